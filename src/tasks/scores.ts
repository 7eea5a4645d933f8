/** Probabilities from logits: exp((x - max) / temperature), normalised. A temperature over 1 makes a boastful model modest. */
export function softmax(logits: ArrayLike<number>, temperature = 1): number[] {
  const values = Array.from(logits)
  const most = Math.max(...values)
  const powers = values.map((value) => Math.exp((value - most) / temperature))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

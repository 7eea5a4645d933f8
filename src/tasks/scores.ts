/** Probabilities from logits: exp((x - max) / temperature), normalised. A temperature over 1 makes a boastful model modest. */
export function softmax(logits: ArrayLike<number>, temperature = 1): number[] {
  const values = Array.from(logits)
  const most = values.reduce((max, value) => Math.max(max, value), -Infinity)
  const powers = values.map((value) => Math.exp((value - most) / temperature))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

/** log Σ e^(x/temperature): large where a model recognises something, small where nothing fits. */
export function logSumExp(logits: readonly number[], temperature = 1): number {
  const most = logits.reduce((max, value) => Math.max(max, value), -Infinity)
  return most / temperature + Math.log(logits.reduce((sum, value) => sum + Math.exp((value - most) / temperature), 0))
}

export const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value))

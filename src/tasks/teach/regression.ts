import { dot } from './vectors.ts'

/** How strongly weights are held small. Chosen on data that no figure is of: see `npm run bench -- teach`. */
const RIDGE = 0.1
const MOST_STEPS = 200
/** Of the slope: smaller ones change no answer. */
const SMALLEST_STEP = 1e-3

/** Inner products of all examples and of a 1 that stands for the bias. */
export function gramOf(vectors: readonly Float64Array[]): Float64Array[] {
  return vectors.map((one) => Float64Array.from(vectors, (other) => dot(one, other) + 1))
}

/**
 * Logistic regression over several classes, by its dual: the weights of a class are a sum of the examples, so that the
 * work depends on how many there are and not on how long they are. Convex, so the answer is the only one; Nesterov's
 * steps from zero, so it is the same everywhere. Written out in loops: a lesson asks for it forty times.
 * @param gram of all examples; only rows of `members` take part.
 * @returns for each member in turn a number for each class.
 */
export function fitRegression(
  gram: readonly Float64Array[],
  members: readonly number[],
  classes: readonly number[],
  count: number,
): Float64Array {
  const between = members.map((i) => Float64Array.from(members, (j) => gram[i]?.[j] as number))
  // No eigenvalue is larger than the largest sum of a row; a softmax bends by at most a half.
  const bend =
    between.reduce(
      (most, row) =>
        Math.max(
          most,
          row.reduce((sum, value) => sum + Math.abs(value), 0),
        ),
      0,
    ) / 2
  const step = 1 / (bend + RIDGE)
  const root = Math.sqrt(RIDGE * step)
  const momentum = (1 - root) / (1 + root)
  const now = new Float64Array(members.length * count)
  const ahead = new Float64Array(members.length * count)
  const moves = new Float64Array(members.length * count)
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    let largest = 0
    for (const [i, member] of members.entries()) {
      const shares = combine(between[i] as Float64Array, ahead, count)
      softmaxInPlace(shares)
      for (let k = 0; k < count; k++) {
        const at = i * count + k
        const wanted = classes[member] === k ? 1 : 0
        const move = step * ((shares[k] as number) - wanted + RIDGE * (ahead[at] as number))
        moves[at] = move
        largest = Math.max(largest, Math.abs(move))
      }
    }
    for (let at = 0; at < now.length; at++) {
      const next = (ahead[at] as number) - (moves[at] as number)
      ahead[at] = next + momentum * (next - (now[at] as number))
      now[at] = next
    }
    if (largest < SMALLEST_STEP * step) break
  }
  return now
}

/** Scores of an example, given its inner products with those that were learnt from. */
export function combine(products: ArrayLike<number>, parts: Float64Array, count: number): Float64Array {
  const scores = new Float64Array(count)
  for (let i = 0, at = 0; at < parts.length; i++) {
    const product = products[i] as number
    for (let k = 0; k < count; k++, at++) scores[k] = (scores[k] as number) + product * (parts[at] as number)
  }
  return scores
}

function softmaxInPlace(scores: Float64Array): void {
  let most = -Infinity
  for (let k = 0; k < scores.length; k++) most = Math.max(most, scores[k] as number)
  let sum = 0
  for (let k = 0; k < scores.length; k++) {
    const power = Math.exp((scores[k] as number) - most)
    scores[k] = power
    sum += power
  }
  for (let k = 0; k < scores.length; k++) scores[k] = (scores[k] as number) / sum
}

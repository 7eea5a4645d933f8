/** 95 % of a normal distribution lie so many deviations around its middle. */
const DEVIATIONS = 1.959963984540054

export interface Interval {
  readonly low: number
  readonly high: number
}

/** Between what the true share most likely lies (95 %) when `right` of `of` tries were right: Wilson's score interval. */
export function intervalOf(right: number, of: number): Interval {
  if (of <= 0) return { low: 0, high: 1 }
  const share = right / of
  const square = DEVIATIONS ** 2
  const middle = (share + square / (2 * of)) / (1 + square / of)
  const half = (DEVIATIONS * Math.sqrt((share * (1 - share)) / of + square / (4 * of * of))) / (1 + square / of)
  // All right or all wrong leave nothing to rounding.
  return { low: right === 0 ? 0 : Math.max(0, middle - half), high: right === of ? 1 : Math.min(1, middle + half) }
}

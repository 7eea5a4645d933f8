/** Numbers that follow from a seed (mulberry32). */
export interface Random {
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number
  chance(probability: number): boolean
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    below: (limit) => next() % limit,
    chance: (probability) => next() < probability * 0x1_0000_0000,
  }
}

export type Random = () => number

const MODULUS = 2147483647

/**
 * Park-Miller minimal standard generator, exact in doubles: the same numbers on every engine.
 * @param seed a whole number from 0 on.
 * @returns whole numbers from 1 to 2147483646.
 */
export function createRandom(seed: number): Random {
  let state = (seed % (MODULUS - 1)) + 1
  return () => {
    state = (state * 48271) % MODULUS
    return state
  }
}

/** The same from 0 up to 1. */
export function createFractions(seed: number): Random {
  const random = createRandom(seed)
  return () => (random() - 1) / (MODULUS - 1)
}

/** One that nobody can know before. */
export const drawSeed = (): number => Math.floor(Math.random() * (MODULUS - 1))

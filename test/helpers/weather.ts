import type { Behaviour } from './flaky-server.ts'
import { seeded } from './synthetic-pack.ts'

/** What a network does to each answer, `nth` of them so far. */
export type Behave = (nth: number) => Behaviour

/** At a rate that real links have: over an unlimited loopback the buffers alone hold megabytes that no phone ever saw. */
export const slow: Behave = () => ({ bytesPerSecond: 1_500_000 })
/** As a phone has it on a good day; what is on the wire when it dies grows with the rate. */
export const slower: Behave = () => ({ bytesPerSecond: 500_000 })
export const dying: Behave = () => ({ bytesPerSecond: 1_500_000, cutAfter: 65_536 })
export const edgeLink: Behave = () => ({ delayMs: 600, bytesPerSecond: 18_750, cutAfter: 120_000 })

/** Each part of 64 KB of each answer is damaged with a chance of 1 %. */
export function damaging(seed: number, onDamage: () => void = () => undefined): Behave {
  const dice = seeded(seed)
  return () => ({
    damage(bytes) {
      for (let at = 0; at < bytes.length; at += 65_541) {
        if (dice() >= 0.01) continue
        const place = at + Math.floor(dice() * Math.min(65_541, bytes.length - at))
        bytes[place] = (bytes[place] ?? 0) ^ 16
        onDamage()
      }
    },
  })
}

/** One bit, the first time. */
export const flipping: Behave = (nth) => ({
  damage(bytes) {
    const place = Math.floor(bytes.length / 3)
    if (nth === 0) bytes[place] = (bytes[place] ?? 0) ^ 1
  },
})

/** So many places in a file, ascending. */
export function places(count: number, length: number, seed: number): number[] {
  const random = seeded(seed)
  return Array.from({ length: count }, () => Math.floor(random() * length)).sort((a, b) => a - b)
}

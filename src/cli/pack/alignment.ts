import type { Bytes } from '../../lib/bytes.ts'

/** Bytes that must be equal to count as a sign of the same place. */
const BLOCK = 16
/** Every so many bytes of the older file a block is remembered. */
const STRIDE = 64

/** Answers where in an older file the bytes come from, when a part of them is still there; undefined when none is. */
export type FindPlace = (bytes: Bytes) => number | undefined

/** Inserted bytes shift all that follows: the place where most unchanged blocks agree is found again. */
export function createAlignment(old: Bytes): FindPlace {
  const places = new Map<number, number>()
  for (let at = 0; at + BLOCK <= old.length; at += STRIDE) {
    // A run of one value is everywhere.
    if (!uniform(old, at)) places.set(hash(old, at), at)
  }
  return (bytes) => {
    const votes = new Map<number, number>()
    for (let at = 0; at + BLOCK <= bytes.length; at++) {
      const place = places.get(hash(bytes, at))
      if (place === undefined || !same(old, place, bytes, at)) continue
      votes.set(place - at, (votes.get(place - at) ?? 0) + 1)
    }
    let best: number | undefined
    for (const [offset, count] of votes) if (count > (votes.get(best ?? Number.NaN) ?? 0)) best = offset
    return best
  }
}

function hash(bytes: Bytes, at: number): number {
  let sum = 0x811c9dc5
  for (let i = at; i < at + BLOCK; i++) sum = Math.imul(sum ^ (bytes[i] ?? 0), 0x01000193)
  return sum >>> 0
}

function same(a: Bytes, atA: number, b: Bytes, atB: number): boolean {
  for (let i = 0; i < BLOCK; i++) if (a[atA + i] !== b[atB + i]) return false
  return true
}

function uniform(bytes: Bytes, at: number): boolean {
  for (let i = 1; i < BLOCK; i++) if (bytes[at + i] !== bytes[at]) return false
  return true
}

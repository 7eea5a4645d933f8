import { createRandom, type Random } from './random.ts'

/** Hubs by index: 0 is the root, the others are villages below it. */
export const HUBS = 3
export const MOST_PHONES = 4

/** One thing that happens. Plain data: a history that fails shrinks, and can be played again. */
export type Event =
  /**
   * A person saves a record. `unseen`: its photos are not to be sent before somebody has looked at them. `fuse`: the phone is
   * killed at that step; `quota`: the device is full at that write.
   */
  | {
      type: 'write'
      phone: number
      photo: 'none' | 'small' | 'preview' | 'both'
      unseen?: boolean
      fuse?: number
      quota?: number
    }
  /** Somebody has looked at the photos of the newest record, or at all there are. */
  | { type: 'look'; phone: number; all: boolean; fuse?: number }
  /** Somebody has looked, sees a face, and has the photos taken away. */
  | { type: 'take-away'; phone: number; fuse?: number }
  /** About a record of one's own; `blind`: without having seen what was said before. */
  | { type: 'correct'; phone: number; blind: boolean }
  /** About a record of another phone. */
  | { type: 'correct-other'; phone: number; other: number }
  | { type: 'retract'; phone: number }
  | { type: 'erase'; phone: number }
  /** Somebody at a hub says something about a record that is there. */
  | { type: 'say'; hub: number; record: number; what: 'correct' | 'blind' | 'retract' | 'erase' }
  /** A phone meets a hub. Faults of the requests in order, by index; beyond them the link is good. */
  | { type: 'sync'; phone: number; hub: number; faults: number[]; fuse?: number; quota?: number; metered?: boolean }
  /** As 'sync', while the hub is killed at a step, or its disk is full at one. */
  | { type: 'hub-dies'; phone: number; hub: number; fuse: number; how: 'killed' | 'full' }
  /** Connections that carry a thousand bytes each. */
  | { type: 'drip'; phone: number; hub: number }
  /** Everybody at once, each at a hub of their own. */
  | { type: 'together'; hub: number }
  /** Two tabs of one phone send at the same time, as when a lock was stolen from a frozen one. */
  | { type: 'tabs'; phone: number; hub: number }
  | { type: 'forward'; hub: number; faults: number[]; fuse?: number }
  /** A request seen before arrives again, at any hub. */
  | { type: 'replay'; which: number; hub: number }
  /** What a phone has not sent travels in a file, twice. */
  | { type: 'carry'; phone: number; hub: number }
  | { type: 'clone'; phone: number }
  /** All of a phone's storage is emptied. */
  | { type: 'wipe'; phone: number }
  | { type: 'back-up-phone'; phone: number }
  | { type: 'restore-phone'; phone: number }
  | { type: 'back-up-hub'; hub: number }
  | { type: 'restore-hub'; hub: number }
  /** A village hub burns down; a new one stands at its address. */
  | { type: 'destroy-hub'; hub: number }
  /** A phone's clock says 1970, ten years on, or the truth. */
  | { type: 'clock'; phone: number; years: number }
  | { type: 'days'; days: number }
  | { type: 'prune'; phone: number; bytes?: number }

export const FAULT_COUNT = 16

type Make = (random: Random) => Event

const phone = (random: Random): number => random.below(MOST_PHONES)
const hub = (random: Random): number => random.below(HUBS)
const village = (random: Random): number => 1 + random.below(HUBS - 1)
const faults = (random: Random): number[] =>
  random.chance(0.5) ? [] : Array.from({ length: 1 + random.below(5) }, () => random.below(FAULT_COUNT))
const fuse = (random: Random): { fuse?: number } => (random.chance(0.25) ? { fuse: random.below(30) } : {})
const quota = (random: Random): { quota?: number } => (random.chance(0.12) ? { quota: random.below(12) } : {})
const PHOTOS = ['none', 'none', 'small', 'preview', 'both'] as const
const SAYS = ['correct', 'blind', 'retract', 'erase'] as const

/** What happens how often, roughly as in the field, with the rare things made frequent. */
const TABLE: readonly [number, Make][] = [
  [
    14,
    (r) => ({
      type: 'write',
      phone: phone(r),
      photo: PHOTOS[r.below(5)] ?? 'none',
      ...(r.chance(0.4) && { unseen: true }),
      ...fuse(r),
      ...quota(r),
    }),
  ],
  [2, (r) => ({ type: 'look', phone: phone(r), all: r.chance(0.3), ...fuse(r) })],
  [1, (r) => ({ type: 'take-away', phone: phone(r), ...fuse(r) })],
  [3, (r) => ({ type: 'correct', phone: phone(r), blind: r.chance(0.4) })],
  [2, (r) => ({ type: 'correct-other', phone: phone(r), other: phone(r) })],
  [1, (r) => ({ type: 'retract', phone: phone(r) })],
  [1, (r) => ({ type: 'erase', phone: phone(r) })],
  [3, (r) => ({ type: 'say', hub: hub(r), record: r.below(64), what: SAYS[r.below(4)] ?? 'correct' })],
  [
    14,
    (r) => ({
      type: 'sync',
      phone: phone(r),
      hub: hub(r),
      faults: faults(r),
      ...fuse(r),
      ...quota(r),
      ...(r.chance(0.15) && { metered: true }),
    }),
  ],
  [
    3,
    (r) => ({
      type: 'hub-dies',
      phone: phone(r),
      hub: hub(r),
      fuse: r.below(20),
      how: r.chance(0.5) ? 'killed' : 'full',
    }),
  ],
  [2, (r) => ({ type: 'drip', phone: phone(r), hub: hub(r) })],
  [1, (r) => ({ type: 'together', hub: hub(r) })],
  [1, (r) => ({ type: 'tabs', phone: phone(r), hub: hub(r) })],
  [8, (r) => ({ type: 'forward', hub: village(r), faults: faults(r), ...fuse(r) })],
  [2, (r) => ({ type: 'replay', which: r.below(1000), hub: hub(r) })],
  [2, (r) => ({ type: 'carry', phone: phone(r), hub: hub(r) })],
  [1, (r) => ({ type: 'clone', phone: phone(r) })],
  [1, (r) => ({ type: 'wipe', phone: phone(r) })],
  [1, (r) => ({ type: 'back-up-phone', phone: phone(r) })],
  [1, (r) => ({ type: 'restore-phone', phone: phone(r) })],
  [1, (r) => ({ type: 'back-up-hub', hub: hub(r) })],
  [1, (r) => ({ type: 'restore-hub', hub: hub(r) })],
  [1, (r) => ({ type: 'destroy-hub', hub: village(r) })],
  [1, (r) => ({ type: 'clock', phone: phone(r), years: [-50, 10, 0][r.below(3)] ?? 0 })],
  [1, (r) => ({ type: 'days', days: 1 + r.below(60) })],
  [2, (r) => ({ type: 'prune', phone: phone(r), ...(r.chance(0.5) && { bytes: 1 + r.below(5000) }) })],
]
const DRAW: readonly Make[] = TABLE.flatMap(([weight, make]) => Array.from({ length: weight }, () => make))

/** The history that a seed stands for. */
export function historyOf(seed: number): Event[] {
  const random = createRandom(seed)
  return Array.from(
    { length: 6 + random.below(24) },
    () => DRAW[random.below(DRAW.length)]?.(random) ?? { type: 'days', days: 1 },
  )
}

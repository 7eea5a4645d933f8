import { FAULT_COUNT } from '../events.ts'
import { createRandom, type Random } from '../random.ts'

/** One thing that happens to real browsers and processes. Numbers between 0 and 1 are parts of what is there. */
export type Round =
  /** Records are saved one after the other, and the browser is killed after so many milliseconds: before, in, or after any of them. */
  | { type: 'killed-saving'; phone: number; after: number }
  /** Killed when so many bytes of what it sends have passed, on a slow link. */
  | { type: 'killed-uploading'; phone: number; bytes: number }
  /** Killed when the hub has answered its nth request and the answer is on its way. */
  | { type: 'killed-hearing'; phone: number; nth: number }
  /** The hub is killed when its nth request arrives, or when it has answered it and nobody has heard. */
  | { type: 'hub-killed'; phone: number; nth: number; answered: boolean }
  /** A phone meets its hub on a bad link. */
  | { type: 'faults'; phone: number; faults: number[] }
  /** 20 kbit/s and two seconds there and back, a photo on its way. */
  | { type: 'slow'; phone: number }
  /** Connections that carry a thousand bytes each. */
  | { type: 'drip'; phone: number }
  /** Two tabs write and send at once. */
  | { type: 'tabs'; phone: number }
  /** What a person says of the newest record. */
  | { type: 'speak'; phone: number; what: 'correct' | 'blind' | 'retract' | 'erase' }
  /** What a reviewer at the root says of a record. */
  | { type: 'say'; record: number; blind: boolean }
  /** The phone's storage is copied to another one, which goes on. */
  | { type: 'cloned'; phone: number }
  /** The village hub burns down with nothing but held receipts given. */
  | { type: 'village-lost'; phone: number }
  | { type: 'pruned'; phone: number }

export const PHONES = 2

type Make = (random: Random) => Round

const phone = (random: Random): number => random.below(PHONES + 1)
const WHAT = ['correct', 'blind', 'retract', 'erase'] as const

/** Kills first: they are what only a real browser can show. */
const TABLE: readonly Make[] = [
  (r) => ({ type: 'killed-saving', phone: phone(r), after: r.below(400) }),
  (r) => ({ type: 'killed-uploading', phone: phone(r), bytes: r.below(60_000) }),
  (r) => ({ type: 'killed-hearing', phone: phone(r), nth: r.below(4) }),
  (r) => ({ type: 'hub-killed', phone: phone(r), nth: r.below(4), answered: r.chance(0.5) }),
  (r) => ({ type: 'speak', phone: phone(r), what: WHAT[r.below(4)] ?? 'correct' }),
  (r) => ({ type: 'say', record: r.below(64), blind: r.chance(0.5) }),
  (r) => ({ type: 'tabs', phone: phone(r) }),
  (r) => ({
    type: 'faults',
    phone: phone(r),
    faults: Array.from({ length: 1 + r.below(5) }, () => r.below(FAULT_COUNT)),
  }),
  (r) => ({ type: 'cloned', phone: phone(r) }),
  (r) => ({ type: 'drip', phone: phone(r) }),
  (r) => ({ type: 'village-lost', phone: phone(r) }),
  (r) => ({ type: 'slow', phone: phone(r) }),
  (r) => ({ type: 'pruned', phone: phone(r) }),
]

/** In turns, so that a few rounds see every kind; what exactly happens follows from the seed, when it does is the machine's. */
export function roundsOf(seed: number, count: number): Round[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, (_, i) => (TABLE[i % TABLE.length] as Make)(random))
}

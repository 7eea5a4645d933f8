import { describe, expect, it } from 'vitest'
import { findAlike } from '../../../src/client/alike.ts'
import type { HistoryEntry } from '../../../src/client/kit.ts'

interface Made {
  likeness?: string
  pack?: string
  retracted?: boolean
}

/** Newest first, as history is. */
const historyOf = (...made: Made[]): HistoryEntry[] =>
  made.map(({ likeness, pack = 'coffee-leaf', retracted = false }, i) => ({
    id: `abcdefghijklmnop/${made.length - i}`,
    state: 'local',
    retracted,
    body: {
      v: 1,
      kind: 'result',
      at: { wall: 0, mono: 0, session: 's', zone: 0 },
      task: 'image-classification',
      pack: { name: pack, version: '1.0.0', digest: 'd'.repeat(64) },
      variant: 'int8',
      backend: 'nano 1',
      prep: '1',
      answer: { kind: 'classes', label: 'rust', score: 1, sure: true },
      scores: [],
      threshold: 0.5,
      ms: 1,
      attachments: [],
      ...(likeness !== undefined && { likeness }),
    },
  }))
const LEAF = 'AAECAwQFBgc'
/** Two bits away, and thirty. */
const SAVED_ANEW = 'AAECAwQFBgQ'
const OTHER = '___9_P_-__8'
const idsOf = (history: readonly HistoryEntry[]): string[] => history.map(({ id }) => id)

describe('the same photo again', () => {
  it('is found, also when it was saved anew; whatever looks different is not', () => {
    const history = historyOf({ likeness: SAVED_ANEW }, { likeness: OTHER }, { likeness: LEAF })
    expect([...findAlike(idsOf(history), history)].map(([id, before]) => [id, before.id])).toEqual([
      ['abcdefghijklmnop/3', 'abcdefghijklmnop/1'],
    ])
  })

  it('is not one that another task was asked, that was taken back, or that has no likeness as those of before have none', () => {
    const history = historyOf(
      { likeness: LEAF },
      { likeness: LEAF, pack: 'form-digits' },
      { likeness: LEAF, retracted: true },
      {},
    )
    expect(findAlike(idsOf(history), history).size).toBe(0)
    const without = historyOf({}, {})
    expect(findAlike(idsOf(without), without).size).toBe(0)
  })

  it('is remembered for a hundred answers', () => {
    const between = (count: number): HistoryEntry[] =>
      historyOf({ likeness: LEAF }, ...Array.from({ length: count }, () => ({ likeness: OTHER })), { likeness: LEAF })
    const newest = (history: HistoryEntry[]): string[] => idsOf(history).slice(0, 1)
    expect(findAlike(newest(between(99)), between(99)).size).toBe(1)
    expect(findAlike(newest(between(100)), between(100)).size).toBe(0)
  })

  it('of a record that is not there is none', () => {
    expect(findAlike(['abcdefghijklmnop/77'], historyOf({ likeness: LEAF })).size).toBe(0)
  })
})

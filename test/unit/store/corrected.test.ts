import { expect, it } from 'vitest'
import type { RecordBody } from '../../../src/protocol/record.ts'
import { corrected } from '../../../src/store/corrected.ts'
import type { StoredRecord } from '../../../src/store/store.ts'
import { correction, note, retract } from './samples.ts'

const stream = 'abcdefghijklmnop'
const ref = `${stream}/1`
const said = (seq: number, body: RecordBody): StoredRecord => ({ stream, seq, line: '', hash: '', body })
const id = (seq: number): string => `${stream}/${seq}`

it('says nothing new where nothing was said', () => {
  expect(corrected([])).toEqual({ fields: {}, retracted: false, notes: [], heads: [], conflicts: {} })
})

it('shows the last of corrections that knew of each other', () => {
  const view = corrected([
    said(2, correction(ref, 'phoma')),
    said(3, correction(ref, 'rust', [id(2)])),
    said(4, correction(ref, 'healthy', [id(3)])),
  ])
  expect(view).toMatchObject({ label: 'healthy', conflicts: {}, heads: [id(4)] })
})

it('keeps both of two that did not, and shows one of them', () => {
  const view = corrected([
    said(2, correction(ref, 'phoma')),
    said(3, correction(ref, 'rust', [id(2)])),
    said(5, correction(ref, 'healthy', [id(2)])),
  ])
  expect(view).toMatchObject({ label: 'healthy', conflicts: { label: ['healthy', 'rust'] }, heads: [id(3), id(5)] })
})

it('shows a supervisor before a worker before a model, then the later clock, then the greater id, whatever came in first', () => {
  const by = (seq: number, label: string, more: object): StoredRecord =>
    said(seq, { ...correction(ref, label), ...more } as RecordBody)
  const model = by(9, 'model', { role: 'model', clock: 900 })
  const early = by(8, 'early', { clock: 100 })
  const late = by(3, 'late', { role: 'worker', clock: 200 })
  const same = by(5, 'same', { clock: 200 })
  const boss = by(2, 'boss', { role: 'supervisor', clock: 1 })
  const all = [model, early, late, same, boss]
  const conflicts = { label: ['boss', 'same', 'late', 'early', 'model'] }
  for (const order of [all, all.toReversed(), [early, boss, late, model, same]]) {
    expect(corrected(order)).toMatchObject({ label: 'boss', conflicts })
  }
})

it('knows what was known through another, in whatever order they came in', () => {
  const chain = [
    said(2, correction(ref, 'a')),
    said(3, correction(ref, 'b', [id(2)])),
    said(4, correction(ref, 'c', [id(3)])),
  ]
  // The one in the middle is not here yet: what it knew is not known, so both are kept.
  expect(corrected([chain[2], chain[0]] as StoredRecord[]).conflicts).toEqual({ label: ['c', 'a'] })
  expect(corrected(chain.toReversed())).toMatchObject({ label: 'c', conflicts: {}, heads: [id(4)] })
})

it('is no conflict when two people say the same, or speak of different fields', () => {
  const place: RecordBody = { ...correction(ref, ''), patch: { place: 'Nyeri' } } as RecordBody
  const view = corrected([said(2, correction(ref, 'rust')), said(3, correction(ref, 'rust')), said(4, place)])
  expect(view).toMatchObject({ fields: { label: 'rust', place: 'Nyeri' }, conflicts: {} })
})

it('takes a correction back with null, and ends a conflict by naming both', () => {
  const back: RecordBody = { ...correction(ref, '', [id(2)]), patch: { label: null } } as RecordBody
  expect(corrected([said(2, correction(ref, 'rust')), said(3, back)]).label).toBeUndefined()
  const settled = corrected([
    said(2, correction(ref, 'rust')),
    said(3, correction(ref, 'phoma')),
    said(4, correction(ref, 'rust', [id(2), id(3)])),
  ])
  expect(settled).toMatchObject({ label: 'rust', conflicts: {}, heads: [id(4)] })
})

it('collects notes and retraction', () => {
  expect(corrected([said(2, note(ref, 'seen')), said(3, retract(ref))])).toMatchObject({
    notes: ['seen'],
    retracted: true,
  })
})

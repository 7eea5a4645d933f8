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

it('keeps both of two that did not, and shows the later', () => {
  const view = corrected([
    said(2, correction(ref, 'phoma')),
    said(3, correction(ref, 'rust', [id(2)])),
    said(5, correction(ref, 'healthy', [id(2)])),
  ])
  expect(view).toMatchObject({ label: 'healthy', conflicts: { label: ['rust', 'healthy'] }, heads: [id(3), id(5)] })
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

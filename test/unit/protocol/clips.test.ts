import { describe, expect, it } from 'vitest'
import { clipLanguages, clipPath, clipPaths, saidIn, saidOf } from '../../../src/protocol/clips.ts'
import type { Label } from '../../../src/protocol/manifest.ts'
import { parsePackSource } from '../../../src/protocol/pack-source.ts'
import type { RecordedAnswer } from '../../../src/protocol/record.ts'
import { parseTaught } from '../../../src/protocol/taught.ts'
import { packJson } from '../cli/source.ts'

const label = (id: string, clips?: Record<string, string>): Label => ({
  id,
  name: { en: id, sw: id, pt: id },
  ...(clips && { clips }),
})
const recorded = {
  labels: [label('rust', { sw: 'clips/rust.sw.opus', pt: 'clips/rust.pt.opus' }), label('healthy')],
  clips: { unsure: { sw: 'clips/unsure.sw.opus', ar: 'clips/unsure.ar.opus' } },
}

describe('what is said of an answer', () => {
  const box = (name: string) => ({ label: name, score: 0.9, x: 0, y: 0, width: 1, height: 1 })

  it('is its label, or that the model is not sure, or that it knows nothing like this', () => {
    const sure: RecordedAnswer = { kind: 'classes', label: 'rust', score: 0.9, sure: true }
    expect(saidOf(sure)).toEqual({ label: 'rust' })
    expect(saidOf({ ...sure, sure: false })).toBe('unsure')
    expect(saidOf({ ...sure, known: false })).toBe('unknown')
    expect(saidOf({ kind: 'boxes', sure: true, boxes: [box('rust'), box('rust')] })).toEqual({ label: 'rust' })
    expect(saidOf({ kind: 'boxes', sure: false, boxes: [box('rust')] })).toBe('unsure')
  })

  it('is nothing where no single label was found', () => {
    expect(saidOf({ kind: 'boxes', sure: true, boxes: [box('rust'), box('healthy')] })).toBeUndefined()
    expect(saidOf({ kind: 'boxes', sure: true, boxes: [] })).toBeUndefined()
    expect(saidOf({ kind: 'text', text: 'rust', score: 1, sure: true })).toBeUndefined()
  })
})

describe('recordings', () => {
  it('are found in the language or the one it belongs to, never in another', () => {
    expect(clipPath(recorded, { label: 'rust' }, 'sw')).toBe('clips/rust.sw.opus')
    expect(clipPath(recorded, { label: 'rust' }, 'pt-BR')).toBe('clips/rust.pt.opus')
    expect(clipPath(recorded, { label: 'rust' }, 'en')).toBeUndefined()
    expect(clipPath(recorded, { label: 'healthy' }, 'sw')).toBeUndefined()
    expect(clipPath(recorded, { label: 'gone' }, 'sw')).toBeUndefined()
    expect(clipPath(recorded, 'unsure', 'ar')).toBe('clips/unsure.ar.opus')
    expect(clipPath(recorded, 'unknown', 'sw')).toBeUndefined()
  })

  it('of one language are told apart from all others', () => {
    expect(clipLanguages(recorded)).toEqual(['ar', 'pt', 'sw'])
    expect(clipPaths(recorded, 'sw')).toEqual(['clips/rust.sw.opus', 'clips/unsure.sw.opus'])
    expect(clipPaths(recorded, 'ha')).toEqual([])
    expect(saidIn(recorded, 'sw')).toEqual([{ label: 'rust' }, 'unsure'])
  })
})

describe('pack.json', () => {
  const parse = (changes: object) => parsePackSource(JSON.stringify(packJson(changes)))
  const withClips = (clips: object, name: object = { en: 'One', sw: 'Moja' }) =>
    parse({ labels: [{ id: 'one', name, clips }] })

  it('names recordings of labels, and of what is said where there is none', () => {
    expect(withClips({ sw: 'clips/one.sw.opus' }).labels[0]?.clips).toEqual({ sw: 'clips/one.sw.opus' })
    expect(parse({ clips: { unsure: { en: 'unsure.mp3' } } }).clips).toEqual({ unsure: { en: 'unsure.mp3' } })
  })

  it.each([
    ['a path that leaves its folder', () => withClips({ sw: '../secret.opus' }), /labels.*clips.*relative path/],
    ['an absolute path', () => withClips({ sw: '/etc/passwd' }), /labels.*clips.*relative path/],
    ['a language that is no code', () => withClips({ Swahili: 'one.opus' }), /expected a language like "sw"/],
    ['a code in which nothing is written', () => withClips({ sv: 'one.opus' }), /"sv" is recorded, and no text/],
    ['that of the pack too', () => parse({ clips: { unsure: { sw: 'unsure.opus' } } }), /"sw" is recorded/],
    ['something else to say', () => parse({ clips: { goodbye: { en: 'bye.opus' } } }), /goodbye/],
    ['no path at all', () => withClips({ sw: 5 }), /labels.*clips/],
  ])('refuses %s, and says where', (_, read, message) => {
    expect(read).toThrow(expect.objectContaining({ code: 'pack/bad-source', message: expect.stringMatching(message) }))
  })
})

it('a taught pack has no recordings: it brings no files', () => {
  const labels = [label('rust', { sw: 'rust.opus' }), label('healthy')]
  const taught = { format: 'jiko-taught/1', name: `taught-${'a'.repeat(16)}`, version: '1.0.0', title: 'Mine', labels }
  expect(() => parseTaught(`${JSON.stringify(taught)}\n{}`)).toThrow(/labels.*clips/)
})

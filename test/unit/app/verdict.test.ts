import { i18n } from '@lingui/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { verdictOf } from '../../../src/app/verdict.ts'
import { voiceFor } from '../../../src/app/voices.ts'
import type { HistoryEntry } from '../../../src/client/kit.ts'
import type { Label } from '../../../src/protocol/manifest.ts'
import type { RecordedAnswer } from '../../../src/protocol/record.ts'
import { result } from '../store/samples.ts'

const labels: Label[] = [
  { id: 'rust', name: { en: 'Leaf rust' }, advice: { en: 'Prune after harvest.' } },
  { id: 'person', name: { en: 'Person' } },
]

function entry(answer: RecordedAnswer, type = 'image/jpeg', corrected?: string): HistoryEntry {
  const attachments = [{ sha256: 'ab'.repeat(32), type, bytes: 9, role: 'input' as const }]
  return {
    id: 'abcdefghijklmnop/1',
    body: { ...result('rust', { attachments }), answer },
    state: 'local',
    ...(corrected !== undefined && { corrected }),
  }
}
const classes = (score: number, sure: boolean, known?: boolean): RecordedAnswer => ({
  kind: 'classes',
  label: 'rust',
  score,
  sure,
  ...(known !== undefined && { known }),
})
// Without the catalogue i18n gives ids back, which is what is looked at here.
const verdict = (one: HistoryEntry) => verdictOf(one, labels, 'en')

describe('a verdict', () => {
  beforeAll(() => i18n.loadAndActivate({ locale: 'en', messages: {} }))

  it('is the label with its advice when the model is sure', () => {
    expect(verdict(entry(classes(0.95, true)))).toEqual({
      word: 'Leaf rust',
      how: 'sure.very',
      sure: true,
      score: 0.95,
      advice: 'Prune after harvest.',
    })
    expect(verdict(entry(classes(0.7, true))).how).toBe('sure.fairly')
  })

  it.each([
    ['image/jpeg', 'answer.not-sure.advice'],
    ['audio/wav', 'answer.not-sure.sound'],
    ['text/plain', 'answer.not-sure.text'],
  ])('is never the label alone when it is not, and says how to do better with %s', (type, advice) => {
    const got = verdict(entry(classes(0.4, false), type))
    expect(got).toMatchObject({ word: 'answer.not-sure', sure: false, likeliest: 'Leaf rust', advice })
  })

  it('names nothing where the input is nothing that the model knows', () => {
    const got = verdict(entry(classes(0.99, false, false)))
    expect(got).toMatchObject({ word: 'answer.none', sure: false, advice: 'answer.none.advice' })
    expect(JSON.stringify(got)).not.toMatch(/rust/i)
    expect(got.score).toBeUndefined()
  })

  it('counts what was found, and says so when it was nothing', () => {
    const box = { label: 'person', score: 0.8, x: 0, y: 0, width: 1, height: 1 }
    expect(verdict(entry({ kind: 'boxes', sure: true, boxes: [box, box] }))).toMatchObject({ word: '2 × Person' })
    expect(verdict(entry({ kind: 'boxes', sure: true, boxes: [] }))).toEqual({
      word: 'answer.nothing',
      how: '',
      sure: true,
    })
  })

  it('is what a person said where they said better', () => {
    expect(verdict(entry(classes(0.4, false), 'image/jpeg', 'rust'))).toEqual({
      word: 'Leaf rust',
      how: 'answer.by-person',
      sure: true,
      advice: 'Prune after harvest.',
    })
  })
})

describe('a voice', () => {
  const voice = (lang: string, localService: boolean) => ({ lang, localService }) as SpeechSynthesisVoice

  it('must speak the language, and without a network', () => {
    const voices = [voice('sw-KE', false), voice('en-GB', true), voice('sw_TZ', true)]
    expect(voiceFor(voices, 'sw')?.lang).toBe('sw_TZ')
    expect(voiceFor(voices, 'am')).toBeUndefined()
  })
})

import { i18n } from '@lingui/core'
import type { HistoryEntry } from '../client/kit.ts'
import { headlineOf } from '../protocol/answer.ts'
import type { Label } from '../protocol/manifest.ts'
import { answerWords, labelAdvice, labelName } from './labels.ts'

/** An answer as a person is told it. */
export interface Verdict {
  /** The one word to read from afar. */
  word: string
  /** How much to rely on it. */
  how: string
  /** Whether it may be relied on: a dashed outline and another picture where not. */
  sure: boolean
  /** 0-1, where a number says something. */
  score?: number
  advice?: string
  /** Of a guess, what it would have been. */
  likeliest?: string
}

function sureness(score: number): string {
  return score >= 0.9 ? i18n.t('sure.very') : i18n.t('sure.fairly')
}

/** What to do better the next time, by what was given. */
function doubtAdvice({ attachments }: HistoryEntry['body']): string {
  const type = attachments.find(({ role }) => role === 'input')?.type ?? ''
  if (type.startsWith('audio/')) return i18n.t('answer.not-sure.sound')
  return type.startsWith('text/') ? i18n.t('answer.not-sure.text') : i18n.t('answer.not-sure.advice')
}

/** Kind words for any record; what a person corrected counts more than what a model said. */
export function verdictOf({ body, corrected }: HistoryEntry, labels: readonly Label[], language: string): Verdict {
  const { answer } = body
  if (corrected !== undefined) {
    const advice = labelAdvice(labels, corrected, language)
    const word = labelName(labels, corrected, language)
    return { word, how: i18n.t('answer.by-person'), sure: true, ...(advice !== undefined && { advice }) }
  }
  const said = headlineOf(answer)
  const score = said.score === undefined ? {} : { score: said.score }
  if (answer.kind === 'classes' && answer.known === false)
    return { word: i18n.t('answer.none'), how: '', sure: false, advice: i18n.t('answer.none.advice') }
  if (said.labels.length === 0 && said.text === '') return { word: i18n.t('answer.nothing'), how: '', sure: said.sure }
  const word = answerWords(labels, said, language)
  if (!said.sure) {
    const advice = doubtAdvice(body)
    return { word: i18n.t('answer.not-sure'), how: i18n.t('sure.no'), sure: false, ...score, advice, likeliest: word }
  }
  const advice = labelAdvice(labels, said.labels[0]?.id, language)
  const how = said.score === undefined ? '' : sureness(said.score)
  return { word, how, sure: true, ...score, ...(advice !== undefined && { advice }) }
}

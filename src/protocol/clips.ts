import type { Clips, Label, Manifest } from './manifest.ts'
import type { RecordedAnswer } from './record.ts'

/** A clip longer than this is refused: at what speech needs (docs/packs.md) it would last two minutes. */
export const MAX_CLIP_BYTES = 256 << 10

/** What can be said: a label with its advice, that the model is not sure, or that it knows nothing like this. */
export type Said = { label: string } | 'unsure' | 'unknown'

type Recorded = { labels: readonly Label[]; clips?: Manifest['clips'] }

/** What is to be said of an answer; undefined of answers that are no single label. */
export function saidOf(answer: RecordedAnswer): Said | undefined {
  if (answer.kind === 'classes') {
    if (answer.known === false) return 'unknown'
    return answer.sure ? { label: answer.label } : 'unsure'
  }
  if (answer.kind !== 'boxes' && answer.kind !== 'spans') return undefined
  const labels = new Set((answer.kind === 'boxes' ? answer.boxes : answer.spans).map(({ label }) => label))
  const [label, ...others] = labels
  if (label === undefined || others.length > 0) return undefined
  return answer.sure ? { label } : 'unsure'
}

/** What there is in the language itself or the one it belongs to, and in no other: who does not speak it would be no wiser. */
export const inLanguage = <T>(by: Readonly<Record<string, T>> | undefined, language: string): T | undefined =>
  by?.[language] ?? by?.[language.split('-')[0] ?? '']

const clipsOf = ({ labels, clips }: Recorded, said: Said): Clips | undefined =>
  typeof said === 'string' ? clips?.[said] : labels.find(({ id }) => id === said.label)?.clips

/** The file that says it in a language. */
export const clipPath = (recorded: Recorded, said: Said, language: string): string | undefined =>
  inLanguage(clipsOf(recorded, said), language)

/** All that can be said, in the order of the labels. */
const everything = ({ labels }: Recorded): Said[] => [...labels.map(({ id }) => ({ label: id })), 'unsure', 'unknown']

/** All files that speak a language, each once. */
export const clipPaths = (recorded: Recorded, language: string): string[] => [
  ...new Set(everything(recorded).flatMap((said) => clipPath(recorded, said, language) ?? [])),
]

/** What is said in a language, in the order of the labels. */
export const saidIn = (recorded: Recorded, language: string): Said[] =>
  everything(recorded).filter((said) => clipPath(recorded, said, language) !== undefined)

/** The languages that something is recorded in, sorted. */
export const clipLanguages = (recorded: Recorded): string[] =>
  [...new Set(everything(recorded).flatMap((said) => Object.keys(clipsOf(recorded, said) ?? {})))].sort()

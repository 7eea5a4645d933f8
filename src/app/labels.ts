import type { Headline } from '../protocol/answer.ts'
import type { Label } from '../protocol/manifest.ts'
import { localised } from '../protocol/primitives.ts'
import { useApp } from './context.ts'
import { useValue } from './use-value.ts'

/** The labels of a pack that is open or installed; none when it is no longer here. */
export function useLabels(pack: string): readonly Label[] {
  const { attempts, packs } = useApp()
  const open = useValue(attempts.opened).find(({ name }) => name === pack)
  const offer = useValue(packs.offers)?.find(({ name }) => name === pack)
  return open?.labels ?? offer?.labels ?? []
}

/** A label's name; of a pack that is gone, its id made readable. */
export function labelName(labels: readonly Label[], id: string, language: string): string {
  const label = labels.find((candidate) => candidate.id === id)
  if (label) return localised(label.name, language)
  const words = id.replaceAll(/[_-]+/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** An answer in few words: labels by name, text as it is. */
export function answerWords(labels: readonly Label[], { labels: found, text }: Headline, language: string): string {
  const names = found.map(({ id, count }) => {
    const name = labelName(labels, id, language)
    return count > 1 ? `${count} × ${name}` : name
  })
  return [...names, text].filter(Boolean).join(', ') || '—'
}

export function labelAdvice(labels: readonly Label[], id: string | undefined, language: string): string | undefined {
  const advice = labels.find((candidate) => candidate.id === id)?.advice
  return advice && localised(advice, language)
}

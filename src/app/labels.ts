import type { Label } from '../protocol/manifest.ts'
import { localised } from '../protocol/primitives.ts'
import type { App } from './context.ts'

/** The labels of a pack that is open or installed; none when it is no longer here. */
export function labelsOf({ attempts, packs }: Pick<App, 'attempts' | 'packs'>, pack: string): readonly Label[] {
  const open = attempts.opened.value.find(({ name }) => name === pack)
  return open?.labels ?? packs.offers.value?.find(({ name }) => name === pack)?.labels ?? []
}

/** A label's name; of a pack that is gone, its id made readable. */
export function labelName(labels: readonly Label[], id: string, language: string): string {
  const label = labels.find((candidate) => candidate.id === id)
  if (label) return localised(label.name, language)
  const words = id.replaceAll(/[_-]+/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export function labelAdvice(labels: readonly Label[], id: string, language: string): string | undefined {
  const advice = labels.find((candidate) => candidate.id === id)?.advice
  return advice && localised(advice, language)
}

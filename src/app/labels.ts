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

export function labelAdvice(labels: readonly Label[], id: string, language: string): string | undefined {
  const advice = labels.find((candidate) => candidate.id === id)?.advice
  return advice && localised(advice, language)
}

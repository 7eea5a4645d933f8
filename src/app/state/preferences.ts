import { createSignal, type Signal } from '../../client/signal.ts'
import { pickLanguage } from '../../lib/pick-language.ts'

export const THEMES = ['auto', 'light', 'dark', 'sunlight'] as const
export type Theme = (typeof THEMES)[number]

/** Factors on the system's own text size. */
export const TEXT_SIZES = [1, 1.25, 1.5, 2] as const
export type TextSize = (typeof TEXT_SIZES)[number]

export interface Preferences {
  /** BCP 47, one of the languages of the app. */
  language: string
  theme: Theme
  textSize: TextSize
  /** Whether answers are kept with the place where they were given. */
  place: boolean
  /** Who uses the phone now, where several people do. */
  person: string | undefined
}

export interface PreferenceStore {
  readonly value: Signal<Preferences>
  set(patch: Partial<Preferences>): void
}

const KEY = 'jiko-preferences'

/** What was saved, field by field: a value that this version does not know falls back alone. */
export function readPreferences(text: string | null, wanted: readonly string[], known: readonly string[]): Preferences {
  let saved: Partial<Record<keyof Preferences, unknown>> = {}
  try {
    saved = { ...JSON.parse(text ?? '{}') }
  } catch {
    // Not ours, or cut short: the defaults are better than no app.
  }
  return {
    language: known.find((language) => language === saved.language) ?? pickLanguage(wanted, known),
    theme: THEMES.find((theme) => theme === saved.theme) ?? 'auto',
    textSize: TEXT_SIZES.find((size) => size === saved.textSize) ?? 1,
    // Off unless somebody turned it on.
    place: saved.place === true,
    person: typeof saved.person === 'string' ? saved.person : undefined,
  }
}

/** @param tabs where the others of this origin are heard: who uses the phone now, they say for all. */
export function createPreferences(
  storage: Pick<Storage, 'getItem' | 'setItem'>,
  wanted: readonly string[],
  known: readonly string[],
  tabs?: Pick<Window, 'addEventListener'>,
): PreferenceStore {
  const read = (): Preferences => readPreferences(storage.getItem(KEY), wanted, known)
  const value = createSignal(read())
  tabs?.addEventListener('storage', ({ key }) => {
    if (key === KEY) value.set(read())
  })
  return {
    value,
    set(patch) {
      value.set({ ...value.value, ...patch })
      try {
        storage.setItem(KEY, JSON.stringify(value.value))
      } catch {
        // A full or forbidden storage must not stop a person from reading: the choice then lasts for this visit.
      }
    },
  }
}

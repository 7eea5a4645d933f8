import type { FakeOptions } from '../fake-kit.ts'

/** What the test page is told through its URL: JSON of plain options; photos by URL, `"forever"` for an endless wait. */
export interface FakePageOptions extends Omit<FakeOptions, 'history' | 'delay'> {
  history?: (Omit<NonNullable<FakeOptions['history']>[number], 'photo'> & { photo?: string })[]
  delay?: number | 'forever'
  /** Adds the pseudo-locale to the languages. */
  pseudo?: boolean
}

/** English stretched and in brackets, by the name that `Intl` has for such a language. */
export const PSEUDO = 'en-XA'

import type { Messages } from '@lingui/core'
import { LANGUAGES } from '../../../src/app/language.ts'
import { PSEUDO } from './options.ts'

type Message = Messages[string]

/** Two for every vowel, n and s, one with an accent: about 40 % longer, and still to be read. */
const ACCENTED: Readonly<Record<string, string>> = { a: 'á', e: 'é', i: 'í', o: 'ó', u: 'ú', n: 'ñ', s: 'š' }

const stretch = (text: string): string =>
  text.replaceAll(/[aeiouns]/gi, (letter) => {
    const accented = ACCENTED[letter.toLowerCase()] ?? letter
    return `${letter === letter.toLowerCase() ? accented : accented.toUpperCase()}${letter}`
  })

/** Of a compiled message the words; the holes, and what decides between plurals, stay. */
function stretchAll(part: unknown, isWord = true): unknown {
  if (typeof part === 'string') return isWord ? stretch(part) : part
  if (!Array.isArray(part)) {
    return Object.fromEntries(Object.entries(part as object).map(([key, value]) => [key, stretchAll(value)]))
  }
  const [name, format, cases] = part as [unknown, unknown, unknown]
  const isHole = !isWord
  if (isHole) return cases === undefined ? part : [name, format, stretchAll(cases)]
  return part.map((one) => stretchAll(one, typeof one === 'string'))
}

/** Longer by 40 % and in brackets: what is without them on the screen was never translated. */
export const pseudo = (message: Message): Message =>
  ['⟦', ...[stretchAll(typeof message === 'string' ? [message] : message)].flat(), '⟧'] as Message

/** Makes of English one more language, which no phone ever sees. */
export function addPseudo(languages: typeof LANGUAGES = LANGUAGES): void {
  const { en } = languages
  if (!en) return
  const load = (part: 'first' | 'rest') => async () => {
    const { messages } = await en[part]()
    return { messages: Object.fromEntries(Object.entries(messages).map(([id, message]) => [id, pseudo(message)])) }
  }
  Object.assign(languages, {
    [PSEUDO]: { name: '⟦Pseudo⟧', direction: 'ltr', first: load('first'), rest: load('rest') },
  })
}

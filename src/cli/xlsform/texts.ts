import type { LocalText } from '../../protocol/primitives.ts'

/** Languages whose English name says enough; any other wants its code in brackets. */
const NAMES = [
  'en',
  'fr',
  'pt',
  'es',
  'sw',
  'ha',
  'am',
  'ar',
  'hi',
  'so',
  'om',
  'yo',
  'ig',
  'zu',
  'rw',
  'mg',
  'bn',
  'ur',
  'ne',
  'id',
]

const byName = (): Map<string, string> => {
  const english = new Intl.DisplayNames('en', { type: 'language' })
  return new Map(NAMES.map((code) => [(english.of(code) ?? code).toLowerCase(), code]))
}

/** `English (en)`, `Français (fr)`, `fr`, `French`: the code, or undefined where it cannot be told. */
export function languageCode(name: string): string | undefined {
  const [, inBrackets] = /\(([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\)\s*$/.exec(name) ?? []
  const code = inBrackets ?? (/^[a-z]{2,3}$/i.test(name) ? name : undefined)
  return code ? code.toLowerCase() : byName().get(name.trim().toLowerCase())
}

/** Columns of one kind of text, by language. */
export interface TextColumns {
  /** Column to code. */
  readonly columns: ReadonlyMap<string, string>
  /** Columns whose language cannot be told. */
  readonly unknown: readonly string[]
}

/** @param plain the language of a column that names none */
export function textColumns(columns: readonly string[], base: string, plain: string): TextColumns {
  const found = new Map<string, string>()
  const unknown: string[] = []
  for (const column of columns) {
    const [name, language] = column.split('::')
    if (name !== base) continue
    const code = language === undefined ? plain : languageCode(language)
    if (code) found.set(column, code)
    else unknown.push(column)
  }
  return { columns: found, unknown }
}

/** The texts of a row; where none is English, the main language stands in for it, as the fallback of all others. */
export function textOf(
  cells: Readonly<Record<string, string>>,
  { columns }: TextColumns,
  main: string,
): LocalText | undefined {
  const texts: Record<string, string> = {}
  for (const [column, code] of columns) {
    const text = cells[column]
    if (text !== undefined) texts[code] = text
  }
  const fallback = texts.en ?? texts[main] ?? Object.values(texts)[0]
  return fallback === undefined ? undefined : { ...texts, en: fallback }
}

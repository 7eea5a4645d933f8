import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import type { Plugin } from 'vite'

/** Asks for the texts of a `.po` file that the first screen does without. */
const REST = '?rest'

const IMPORT = /^(?:import|export) (?!type\b)(?:[^'"]*? from )?'(\.[^']+\.tsx?)'/gm
const TEXT = /\bi18n\.t\(\s*'([^']+)'/g

/** Ids of the texts that `entry` and what it imports statically may show: as with scripts, the imports say what comes first. */
export function firstTexts(entry: string, read = (path: string) => readFileSync(path, 'utf8')): Set<string> {
  const seen = new Set<string>()
  const ids = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    const source = read(path)
    for (const [, id] of source.matchAll(TEXT)) ids.add(id as string)
    for (const [, next] of source.matchAll(IMPORT)) visit(resolve(dirname(path), next as string))
  }
  visit(resolve(entry))
  return ids
}

/** Lingui's own output: `export const messages = JSON.parse("…")`. */
const MESSAGES = /JSON\.parse\((".*")\)/s

/**
 * Makes of each `.po` two modules: the texts that the first screen may show, and with `?rest` all others, which come with
 * the first screen that is fetched by itself.
 */
export function splitTexts(entry: string): Plugin[] {
  const all = new Map<string, Record<string, unknown>>()
  let first = new Set<string>()
  const moduleOf = (messages: Record<string, unknown>): string =>
    `export const messages=JSON.parse(${JSON.stringify(JSON.stringify(messages))})`
  const part = (messages: Record<string, unknown>, wanted: (id: string) => boolean): string =>
    moduleOf(Object.fromEntries(Object.entries(messages).filter(([id]) => wanted(id))))
  return [
    {
      name: 'jiko-split-texts-rest',
      enforce: 'pre',
      buildStart() {
        first = firstTexts(entry)
      },
      resolveId(source, importer) {
        if (!source.endsWith(`.po${REST}`) || !importer) return undefined
        return `\0${resolve(dirname(importer), source)}`
      },
      async load(id) {
        if (!id.startsWith('\0') || !id.endsWith(`.po${REST}`)) return undefined
        const path = id.slice(1, -REST.length)
        await this.load({ id: path })
        const messages = all.get(path)
        if (!messages) throw new Error(`${relative('.', path)} has no texts`)
        return { code: part(messages, (text) => !first.has(text)), moduleType: 'js' }
      },
    },
    {
      name: 'jiko-split-texts-first',
      enforce: 'post',
      transform(code, id) {
        if (!id.endsWith('.po')) return undefined
        const text = MESSAGES.exec(code)?.[1]
        if (text === undefined) throw new Error(`${relative('.', id)}: Lingui writes its texts in another way now`)
        const messages = JSON.parse(JSON.parse(text) as string) as Record<string, unknown>
        all.set(id, messages)
        return { code: part(messages, (wanted) => first.has(wanted)), map: null }
      },
    },
  ]
}

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCatalogs } from '@lingui/cli/api'
import { getConfig } from '@lingui/conf'
import { beforeAll, describe, expect, it } from 'vitest'
import { LANGUAGES } from '../../../src/app/language.ts'

const FOLDER = 'src/app/locales'
const languages = readdirSync(FOLDER)

/** Names of the holes of a message, like `{size}` and `{count, plural, ...}`. */
const holes = (message: string): string[] =>
  [...message.matchAll(/\{\s*(\w+)\s*(?=[,}])/g)].map(([, name]) => name ?? '').sort()

describe('translations', () => {
  const messages = new Map<string, Map<string, string>>()
  beforeAll(async () => {
    const [catalog] = await getCatalogs(getConfig())
    for (const language of languages) {
      const read = (await catalog?.read(language)) ?? {}
      messages.set(language, new Map(Object.entries(read).map(([id, { translation }]) => [id, translation ?? ''])))
    }
  })

  it('are those that the app and its configuration name', () => {
    expect(Object.keys(LANGUAGES).sort()).toEqual([...languages].sort())
    expect([...getConfig().locales].sort()).toEqual([...languages].sort())
  })

  it('are all that the code asks for, and no more', () => {
    // Lingui's own comparison with what it would extract now.
    const command = spawnSync(
      process.execPath,
      ['node_modules/@lingui/cli/dist/lingui.js', 'check', 'sync', '--clean'],
      {
        encoding: 'utf8',
      },
    )
    expect(command.stderr + command.stdout, 'run: npx lingui extract --clean').not.toMatch(/out of sync/i)
    expect(command.status).toBe(0)
  })

  it.each(languages)('%s: none is empty', (language) => {
    const empty = [...(messages.get(language) ?? [])].filter(([, text]) => text.trim() === '').map(([id]) => id)
    expect(empty).toEqual([])
    expect(messages.get(language)?.size).toBeGreaterThan(100)
  })

  it.each(languages)('%s: has the same holes as English', (language) => {
    const differing = [...(messages.get(language) ?? [])].filter(
      ([id, text]) => holes(text).join() !== holes(messages.get('en')?.get(id) ?? '').join(),
    )
    expect(differing).toEqual([])
  })

  it.each(languages)('%s: says whether a native reader has read it', (language) => {
    expect(readFileSync(join(FOLDER, language, 'messages.po'), 'utf8')).toMatch(
      /^"X-Native-Review: (needed|done).+\\n"$/m,
    )
  })
})

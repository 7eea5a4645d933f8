import { dirname, join } from 'node:path'
import { utf8 } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import { readTextFile, writeAtomic } from './files.ts'
import { loadReleaseKey, releaseKeyPath } from './release-key.ts'

const KEY = /^[\w-]{87}$/

/** Beside the release key: keys of others whose packs this machine believes, one a line, a note after it. */
export const trustedKeysPath = (): string => join(dirname(releaseKeyPath()), 'trusted-keys.txt')

export interface TrustedKey {
  readonly key: string
  readonly note: string
}

/** @throws JikoError `cli/bad-trusted-keys` naming the line. */
export async function readTrustedKeys(): Promise<TrustedKey[]> {
  const path = trustedKeysPath()
  const lines = ((await readTextFile(path)) ?? '').split('\n')
  return lines.flatMap((line, i) => {
    const [key = '', ...note] = line.trim().split(/\s+/)
    if (key === '' || key.startsWith('#')) return []
    if (!KEY.test(key))
      throw new JikoError('cli/bad-trusted-keys', `${path}, line ${i + 1}: not a public key: ${key.slice(0, 20)}`)
    return [{ key, note: note.join(' ') }]
  })
}

/** @throws JikoError `cli/bad-key` */
export async function trustKey(key: string, note: string): Promise<void> {
  if (!KEY.test(key))
    throw new JikoError('cli/bad-key', `"${key.slice(0, 20)}" is not a public key: 87 letters, digits, "-" and "_".`)
  const known = (await readTrustedKeys()).filter((one) => one.key !== key)
  const lines = [...known, { key, note }].map((one) => `${one.key} ${one.note}`.trim())
  await writeAtomic(trustedKeysPath(), utf8(`${lines.join('\n')}\n`))
}

/** One's own release key, if there is one, and those trusted by `jiko key trust`. */
export async function allTrustedKeys(): Promise<string[]> {
  const own = (await readTextFile(releaseKeyPath())) === undefined ? [] : [(await loadReleaseKey()).key]
  return [...own, ...(await readTrustedKeys()).map(({ key }) => key)]
}

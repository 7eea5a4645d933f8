import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { JikoError } from '../protocol/error.ts'
import { createSigner, generateKeyPair, type Signer } from '../protocol/sign.ts'
import { type FormerKey, MOST_FORMER, parseFormerKeys, vouchFor } from '../protocol/succession.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const

/** Where the key pair is kept: `JIKO_RELEASE_KEY`, else `.jiko/release-key.json`. Never commit it. */
export const releaseKeyPath = (): string => process.env.JIKO_RELEASE_KEY ?? '.jiko/release-key.json'

/** A key pair, and the keys that signed before it. */
interface KeptKey {
  readonly pair: CryptoKeyPair
  readonly former: readonly FormerKey[]
}

async function read(path: string): Promise<KeptKey | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  try {
    const { publicKey, privateKey, former } = JSON.parse(text) as {
      publicKey: JsonWebKey
      privateKey: JsonWebKey
      former?: unknown
    }
    return {
      pair: {
        publicKey: await crypto.subtle.importKey('jwk', publicKey, ALGORITHM, true, ['verify']),
        privateKey: await crypto.subtle.importKey('jwk', privateKey, ALGORITHM, true, ['sign']),
      },
      former: parseFormerKeys(former ?? []),
    }
  } catch (cause) {
    throw new JikoError(
      'cli/bad-release-key',
      `${path} is not a release key: move it away, or restore it from a copy`,
      {
        cause,
      },
    )
  }
}

async function asText({ pair, former }: KeptKey): Promise<string> {
  const publicKey = await crypto.subtle.exportKey('jwk', pair.publicKey)
  const privateKey = await crypto.subtle.exportKey('jwk', pair.privateKey)
  return `${JSON.stringify({ publicKey, privateKey, ...(former.length > 0 && { former }) }, null, 2)}\n`
}

async function create(path: string): Promise<KeptKey> {
  const kept = { pair: await generateKeyPair(true), former: [] }
  await mkdir(dirname(path), { recursive: true })
  // `wx`: of two builds that start at once, one makes the key and the other reads it.
  await writeFile(path, await asText(kept), { mode: 0o600, flag: 'wx' })
  return kept
}

export interface ReleaseKey {
  readonly signer: Signer
  readonly key: string
  readonly former: readonly FormerKey[]
}

/**
 * The key that packs are signed with and that the app built beside them trusts; made at the first call.
 * @throws JikoError `cli/bad-release-key` when the file is there but is not a key: it is never overwritten.
 */
export async function loadReleaseKey(path = releaseKeyPath()): Promise<ReleaseKey> {
  const { pair, former } =
    (await read(path)) ??
    (await create(path).catch(async (error: NodeJS.ErrnoException) => {
      const other = error.code === 'EEXIST' ? await read(path) : undefined
      if (!other) throw error
      return other
    }))
  const signer = await createSigner(pair)
  return { signer, key: signer.key, former }
}

/**
 * A new key takes over: the old one vouches for it, and is kept beside it under its first letters. Phones that trust the
 * old key, or one before it, take packs signed with the new one.
 */
export async function rotateReleaseKey(path = releaseKeyPath()): Promise<{ key: string; kept: string }> {
  const old = await read(path)
  if (!old)
    throw new JikoError('cli/no-release-key', `There is no key ${path} to take over from; \`jiko key new\` makes one.`)
  const older = await createSigner(old.pair)
  const pair = await generateKeyPair(true)
  const { key } = await createSigner(pair)
  const former = [...old.former, await vouchFor(older, key)].slice(-MOST_FORMER)
  const kept = `${path}.${older.key.slice(1, 9)}`
  // The old one first: at no moment is there none.
  await writeFile(kept, await asText(old), { mode: 0o600 })
  await writeFile(`${path}.part`, await asText({ pair, former }), { mode: 0o600 })
  await rename(`${path}.part`, path)
  return { key, kept }
}

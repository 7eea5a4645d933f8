import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { JikoError } from '../protocol/error.ts'
import { createSigner, generateKeyPair, type Signer } from '../protocol/sign.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const

/** Where the key pair is kept: `JIKO_RELEASE_KEY`, else `.jiko/release-key.json`. Never commit it. */
export const releaseKeyPath = (): string => process.env.JIKO_RELEASE_KEY ?? '.jiko/release-key.json'

async function read(path: string): Promise<CryptoKeyPair | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  try {
    const { publicKey, privateKey } = JSON.parse(text) as { publicKey: JsonWebKey; privateKey: JsonWebKey }
    return {
      publicKey: await crypto.subtle.importKey('jwk', publicKey, ALGORITHM, true, ['verify']),
      privateKey: await crypto.subtle.importKey('jwk', privateKey, ALGORITHM, true, ['sign']),
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

async function create(path: string): Promise<CryptoKeyPair> {
  const pair = await generateKeyPair(true)
  const publicKey = await crypto.subtle.exportKey('jwk', pair.publicKey)
  const privateKey = await crypto.subtle.exportKey('jwk', pair.privateKey)
  await mkdir(dirname(path), { recursive: true })
  // `wx`: of two builds that start at once, one makes the key and the other reads it.
  await writeFile(path, `${JSON.stringify({ publicKey, privateKey }, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  return pair
}

/**
 * The key that packs are signed with and that the app built beside them trusts; made at the first call.
 * @throws JikoError `cli/bad-release-key` when the file is there but is not a key: it is never overwritten.
 */
export async function loadReleaseKey(path = releaseKeyPath()): Promise<{ signer: Signer; key: string }> {
  const pair =
    (await read(path)) ??
    (await create(path).catch(async (error: NodeJS.ErrnoException) => {
      const other = error.code === 'EEXIST' ? await read(path) : undefined
      if (!other) throw error
      return other
    }))
  const signer = await createSigner(pair)
  return { signer, key: signer.key }
}

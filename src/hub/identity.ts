import { open, readFile } from 'node:fs/promises'
import { JikoError } from '../protocol/error.ts'
import { createSigner, generateKeyPair, type Signer } from '../protocol/sign.ts'
import type { HubStore } from './store/store.ts'

const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const

async function readKey(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

async function newKey(): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair(true)
  const [publicJwk, privateJwk] = await Promise.all(
    [publicKey, privateKey].map((key) => crypto.subtle.exportKey('jwk', key)),
  )
  return JSON.stringify({ publicKey: publicJwk, privateKey: privateJwk })
}

/** Made once, synced before it is used: phones remember whose receipts they hold. */
async function makeKey(path: string): Promise<string> {
  const text = await newKey()
  // `wx`: of two hubs that start on one folder at once, the second fails here and does not sign with a key of its own.
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  return text
}

/** Name of the setting with the key of a hub that shares its database: several processes then sign as one hub. */
export const SHARED_KEY = 'hub-identity'

/** @throws JikoError `hub/bad-key`. */
export async function sharedIdentity(store: HubStore): Promise<Signer> {
  const text = (await store.setting(SHARED_KEY)) ?? (await store.claimSetting(SHARED_KEY, await newKey()))
  return await parseKey(text, `the setting "${SHARED_KEY}"`)
}

/**
 * The hub's own key pair, as JSON web keys in a file that only its owner can read.
 * @throws JikoError `hub/bad-key` when the file is not what this wrote; what the disk says is passed on.
 */
export const openIdentity = async (path: string): Promise<Signer> =>
  await parseKey((await readKey(path)) ?? (await makeKey(path)), path)

async function parseKey(text: string, where: string): Promise<Signer> {
  try {
    const stored = JSON.parse(text)
    const [publicKey, privateKey] = await Promise.all([
      crypto.subtle.importKey('jwk', stored.publicKey, KEY, true, ['verify']),
      crypto.subtle.importKey('jwk', stored.privateKey, KEY, false, ['sign']),
    ])
    return await createSigner({ publicKey, privateKey })
  } catch (cause) {
    throw new JikoError(
      'hub/bad-key',
      `${where} is not a hub's key: put the right one back; phones know this hub by it`,
      {
        cause,
      },
    )
  }
}

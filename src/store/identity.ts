import { randomBytes, toBase64Url } from '../lib/bytes.ts'
import { EMPTY_HASH, streamId } from '../protocol/log.ts'
import { createSigner, generateKeyPair, type Signer } from '../protocol/sign.ts'
import type { Database } from './database.ts'
import type { StreamState } from './store.ts'

/** A stream that nobody has ever written to: 128 random bits make sure of it, whatever was wiped or restored. */
export async function mintStream(key: string, born: number): Promise<StreamState> {
  const epoch = toBase64Url(randomBytes(16))
  return { stream: await streamId(key, epoch), epoch, born, tip: 0, hash: EMPTY_HASH, held: 0, final: 0 }
}

/** Who writes, and the stream that was written to last, where that is known. */
export interface Identity {
  signer: Signer
  newest?: StreamState | undefined
}

/** The device's key and first stream: those in the database, or new ones when it was created empty. */
export async function ensureIdentity(database: Database): Promise<Identity> {
  const [known, newest] = await database.transact('read', async (tables) => [
    await tables.deviceKey(),
    (await tables.streams()).at(-1),
  ])
  if (known) return { signer: await createSigner(known), newest }
  // Made before the transaction: IndexedDB would commit it while WebCrypto works.
  const pair = await generateKeyPair(false)
  const signer = await createSigner(pair)
  const first = await mintStream(signer.key, 1)
  const winner = await database.transact('write', async (tables) => {
    const other = await tables.deviceKey()
    if (other) return other
    await tables.putDeviceKey(pair)
    await tables.putStream(first)
    return undefined
  })
  return { signer: winner ? await createSigner(winner) : signer }
}

import { access, constants, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { JikoError } from '../protocol/error.ts'
import type { Signer } from '../protocol/sign.ts'
import type { BlobStore } from './blob-store/blob-store.ts'
import { createDiskBlobs } from './blob-store/disk.ts'
import { openIdentity } from './identity.ts'
import { openSqliteStore } from './store/sqlite.ts'
import type { HubStore } from './store/store.ts'

/** Made at the first start, so that a phone can sync before anybody has set anything up. */
export const FIRST_PROGRAM = 'default'

/** What a hub keeps, all in one folder: `hub.db` (and its log beside it), `blobs/`, `hub-key.json`. */
export interface DataFolder {
  store: HubStore
  blobs: BlobStore
  signer: Signer
}

export const databasePath = (folder: string): string => join(folder, 'hub.db')

/**
 * Opens the folder, and makes what is missing in it.
 * @throws JikoError `hub/data-unwritable`, `hub/database`, `hub/newer-database`, `hub/bad-key`.
 */
export async function openDataFolder(folder: string, now: () => number = Date.now): Promise<DataFolder> {
  let signer: Signer
  try {
    // Photos and a private key: nobody else on this machine needs to look.
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    signer = await openIdentity(join(folder, 'hub-key.json'))
  } catch (cause) {
    if (cause instanceof JikoError) throw cause
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new JikoError(
      'hub/data-unwritable',
      `the data folder ${folder} cannot be written (${reason}): choose another with --data or JIKO_DATA`,
      { cause },
    )
  }
  const store = openSqliteStore(databasePath(folder))
  await store.addProgram(FIRST_PROGRAM, now())
  return { store, blobs: createDiskBlobs(join(folder, 'blobs')), signer }
}

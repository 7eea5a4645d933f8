import { access, constants, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { JikoError } from '../protocol/error.ts'
import type { Signer } from '../protocol/sign.ts'
import type { BlobStore } from './blob-store/blob-store.ts'
import { createDiskBlobs } from './blob-store/disk.ts'
import { createS3Blobs } from './blob-store/s3.ts'
import { createS3Client, parseBucket } from './blob-store/s3-client.ts'
import { openIdentity, sharedIdentity } from './identity.ts'
import { followMove } from './store/follow.ts'
import { openPostgresStore } from './store/postgres.ts'
import { openSqliteStore } from './store/sqlite.ts'
import type { HubStore } from './store/store.ts'

/** Made at the first start, so that a phone can sync before anybody has set anything up. */
export const FIRST_PROGRAM = 'default'

/** What a hub keeps: `hub.db` (and its log beside it) or a PostgreSQL elsewhere, `blobs/`, `hub-key.json`. */
export interface DataFolder {
  store: HubStore
  blobs: BlobStore
  signer: Signer
}

export interface DataOptions {
  /** Address of a PostgreSQL that takes the place of `hub.db`, and of the key beside it. */
  database?: string
  /** `s3://bucket/prefix` in place of the folder's `blobs/`. */
  bucket?: string
  now?: () => number
}

export const databasePath = (folder: string): string => join(folder, 'hub.db')
export const keyPath = (folder: string): string => join(folder, 'hub-key.json')
/** Holds the address of the PostgreSQL that the database was moved to: a hub goes on there, whoever starts it. */
export const movedPath = (folder: string): string => join(folder, 'database-url')

/** Where the database is: at the address given, else where it was moved to; undefined for the folder's own. */
export async function databaseOf(folder: string, given?: string): Promise<string | undefined> {
  if (given !== undefined) return given
  try {
    return (await readFile(movedPath(folder), 'utf8')).trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** @throws JikoError `hub/database`, `hub/newer-database`, `hub/moved`. */
export async function openStore(folder: string, given?: string): Promise<HubStore> {
  const url = await databaseOf(folder, given)
  if (url !== undefined) return await openPostgresStore(url)
  return followMove(openSqliteStore(databasePath(folder)), async () => {
    const movedTo = await databaseOf(folder)
    if (movedTo !== undefined) return await openPostgresStore(movedTo)
    throw new JikoError(
      'hub/moved',
      `${folder} was moved, and ${movedPath(folder)} that says where is gone: set DATABASE_URL`,
    )
  })
}

/** The hub's key, for who works beside it. */
export async function openSigner(folder: string, store: HubStore, given?: string): Promise<Signer> {
  const isShared = (await databaseOf(folder, given)) !== undefined
  return isShared ? await sharedIdentity(store) : await openIdentity(keyPath(folder))
}

/**
 * Opens the folder, and makes what is missing in it.
 * @throws JikoError `hub/data-unwritable`, `hub/database`, `hub/newer-database`, `hub/moved`, `hub/bad-key`, `hub/bad-bucket`.
 */
export async function openDataFolder(
  folder: string,
  { database, bucket, now = Date.now }: DataOptions = {},
): Promise<DataFolder> {
  const own = await writable(folder, async () => {
    // Photos and a private key: nobody else on this machine needs to look.
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return (await databaseOf(folder, database)) === undefined ? await openIdentity(keyPath(folder)) : undefined
  })
  const store = await openStore(folder, database)
  try {
    await store.addProgram(FIRST_PROGRAM, now())
    return { store, blobs: openBlobs(folder, bucket), signer: own ?? (await sharedIdentity(store)) }
  } catch (error) {
    await store.close()
    throw error
  }
}

function openBlobs(folder: string, bucket: string | undefined): BlobStore {
  if (bucket === undefined) return createDiskBlobs(join(folder, 'blobs'))
  return createS3Blobs(createS3Client(parseBucket(bucket, process.env)))
}

async function writable<T>(folder: string, job: () => Promise<T>): Promise<T> {
  try {
    return await job()
  } catch (cause) {
    if (cause instanceof JikoError) throw cause
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new JikoError(
      'hub/data-unwritable',
      `the data folder ${folder} cannot be written (${reason}): choose another with --data or JIKO_DATA`,
      { cause },
    )
  }
}

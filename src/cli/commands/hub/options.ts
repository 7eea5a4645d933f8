import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { InvalidArgumentError, Option } from 'commander'
import { databaseOf, databasePath, openStore } from '../../../hub/data-folder.ts'
import type { HubStore } from '../../../hub/store/store.ts'
import { JikoError } from '../../../protocol/error.ts'

/** Where a hub's data are. */
export interface DataOptions {
  data: string
  database?: string
}

const DATA = '.jiko/data'

export const dataOption = (): Option =>
  new Option('--data <folder>', 'folder for database, photos and the hub key').env('JIKO_DATA').default(DATA)

export const databaseOption = (): Option =>
  new Option('--database <address>', 'postgres://… in place of the database in the folder').env('DATABASE_URL')

/** @throws JikoError `hub/no-data`. */
export function existingDatabase(data: string): string {
  const path = databasePath(data)
  if (existsSync(path)) return path
  throw new JikoError('hub/no-data', `there is no hub's database in ${resolve(data)}: name its folder with --data`)
}

/** Opens what a hub has written, also while it runs. */
export async function withStore<T>({ data, database }: DataOptions, job: (store: HubStore) => Promise<T>): Promise<T> {
  if ((await databaseOf(data, database)) === undefined) existingDatabase(data)
  const store = await openStore(data, database)
  try {
    return await job(store)
  } finally {
    await store.close()
  }
}

export async function checkProgram(store: HubStore, program: string): Promise<void> {
  const programs = await store.programs()
  if (programs.includes(program)) return
  throw new JikoError('hub/no-program', `there is no program "${program}", only: ${programs.join(', ')}`)
}

/** With a slash at its end. */
export function parseAddress(text: string): string {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username) {
    throw new InvalidArgumentError('expected an address like https://hub.example/.')
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`
}

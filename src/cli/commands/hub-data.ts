import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { databasePath } from '../../hub/data-folder.ts'
import { streamRecords } from '../../hub/records.ts'
import { backUpSqlite, openSqliteStore } from '../../hub/store/sqlite.ts'
import type { HubStore } from '../../hub/store/store.ts'
import { JikoError } from '../../protocol/error.ts'

interface DataOptions {
  data: string
}

/** @throws JikoError `hub/no-data`. */
function existingDatabase(data: string): string {
  const path = databasePath(data)
  if (existsSync(path)) return path
  throw new JikoError('hub/no-data', `there is no hub's database in ${resolve(data)}: name its folder with --data`)
}

/** Opens what a hub has written, also while it runs. */
async function withStore(data: string, job: (store: HubStore) => Promise<void>): Promise<void> {
  const store = openSqliteStore(existingDatabase(data))
  try {
    await job(store)
  } finally {
    await store.close()
  }
}

async function checkProgram(store: HubStore, program: string): Promise<void> {
  const programs = await store.programs()
  if (programs.includes(program)) return
  throw new JikoError('hub/no-program', `there is no program "${program}", only: ${programs.join(', ')}`)
}

export const printStatus = ({ data, json }: DataOptions & { json?: boolean }): Promise<void> =>
  withStore(data, async (store) => {
    for (const program of await store.programs()) {
      const streams = await store.streams(program)
      const { records, missing } = await store.totals(program)
      const phones = new Set(streams.map(({ device }) => device)).size
      const status = { program, records, phones, streams: streams.length, missing }
      const words = `${program}: ${records} records of ${phones} phones in ${streams.length} logs; ${missing} known to be missing`
      console.log(json ? JSON.stringify(status) : words)
    }
  })

const time = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')

/** A line for each device, the one that was here last first. A hub that carries for others has no logs of its own. */
export const printDevices = (program: string, { data, json }: DataOptions & { json?: boolean }): Promise<void> =>
  withStore(data, async (store) => {
    await checkProgram(store, program)
    const streams = await store.streams(program)
    const devices = (await store.devices(program)).sort((a, b) => b.lastSeen - a.lastSeen)
    for (const device of devices) {
      const own = streams.filter((stream) => stream.device === device.key)
      const records = own.reduce((sum, { tip }) => sum + tip, 0)
      const missing = own.reduce((sum, { tip, announced }) => sum + Math.max(0, (announced?.seq ?? 0) - tip), 0)
      if (json) console.log(JSON.stringify({ ...device, logs: own.length, records, missing }))
      else {
        const revoked = device.revokedAt === undefined ? '' : `; revoked ${time(device.revokedAt)}`
        console.log(
          `…${device.key.slice(-6)}  last here ${time(device.lastSeen)} UTC  ${records} records in ${own.length} logs, ${missing} missing  ${device.app}${revoked}`,
        )
      }
    }
  })

/**
 * A running hub knows at its next word with the device.
 * @param ending the key's last characters, as `devices` prints them, or all of it.
 */
export const revoke = (ending: string, program: string, { data }: DataOptions): Promise<void> =>
  withStore(data, async (store) => {
    await checkProgram(store, program)
    const found = (await store.devices(program)).filter(({ key }) => key.endsWith(ending))
    const [device] = found
    if (!device || found.length > 1 || ending.length < 6) {
      throw new JikoError(
        'hub/unknown-device',
        `${found.length} devices of "${program}" have a key that ends in ${JSON.stringify(ending)}: give six or more characters as \`jiko hub devices\` prints them`,
      )
    }
    await store.revokeDevice(program, device.key, Date.now())
    console.log(`…${device.key.slice(-6)} is revoked: what it still sends goes to quarantine.`)
  })

export const exportRecords = (program: string, { data }: DataOptions): Promise<void> =>
  withStore(data, async (store) => {
    await checkProgram(store, program)
    await pipeline(streamRecords(store, program), process.stdout, { end: false })
  })

export async function backUp(file: string, { data }: DataOptions): Promise<void> {
  await backUpSqlite(existingDatabase(data), file)
  console.log(`The database is backed up to ${resolve(file)}.`)
  console.log(`Photos (${resolve(data, 'blobs')}) and the hub's key (hub-key.json) are plain files: copy them too.`)
}

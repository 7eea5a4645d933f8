import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { HOST } from '../../../hub/access/access.ts'
import { writeAudit } from '../../../hub/access/audit.ts'
import { databaseOf } from '../../../hub/data-folder.ts'
import { FORMATS, type FormatName } from '../../../hub/export/export.ts'
import { recentLosses } from '../../../hub/losses.ts'
import { describeDatabase } from '../../../hub/store/postgres.ts'
import { backUpSqlite } from '../../../hub/store/sqlite.ts'
import { JikoError } from '../../../protocol/error.ts'
import { checkProgram, type DataOptions, existingDatabase, withStore } from './options.ts'

const SHOWN = 10

export const printStatus = ({ json, ...at }: DataOptions & { json?: boolean }): Promise<void> =>
  withStore(at, async (store) => {
    for (const program of await store.programs()) {
      const streams = await store.streams(program)
      const { records, missing } = await store.totals(program)
      const phones = new Set(streams.map(({ device }) => device)).size
      const losses = await recentLosses(store, program)
      const status = { program, records, phones, streams: streams.length, missing, losses }
      const words = `${program}: ${records} records of ${phones} phones in ${streams.length} logs; ${missing} known to be missing`
      console.log(json ? JSON.stringify(status) : words)
      if (json) continue
      for (const { device, at, what } of losses.slice(0, SHOWN)) {
        console.log(`  phone …${device.slice(-6)}: its browser had emptied ${what}, said ${time(at)} UTC`)
      }
    }
  })

export const time = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')

/** A line for each device, the one that was here last first. A hub that carries for others has no logs of its own. */
export const printDevices = (program: string, { json, ...at }: DataOptions & { json?: boolean }): Promise<void> =>
  withStore(at, async (store) => {
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
export const revoke = (ending: string, program: string, at: DataOptions): Promise<void> =>
  withStore(at, async (store) => {
    await checkProgram(store, program)
    const found = (await store.devices(program)).filter(({ key }) => key.endsWith(ending))
    const [device] = found
    if (!device || found.length > 1 || ending.length < 6) {
      throw new JikoError(
        'hub/unknown-device',
        `${found.length} devices of "${program}" have a key that ends in ${JSON.stringify(ending)}: give six or more characters as \`jiko hub devices\` prints them`,
      )
    }
    const now = Date.now()
    await store.revokeDevice(program, device.key, now)
    await writeAudit(store, program, { at: now, by: HOST, action: 'revoke', about: device.key })
    console.log(`…${device.key.slice(-6)} is revoked: what it still sends goes to quarantine.`)
  })

export interface ExportOptions extends DataOptions {
  format: FormatName
  out?: string
}

/** Into a file, which is there once it is whole, or to who reads along. */
export const exportRecords = (program: string, { format, out, ...at }: ExportOptions): Promise<void> =>
  withStore(at, async (store) => {
    await checkProgram(store, program)
    const pieces = FORMATS[format].write(store, program)
    if (out === undefined) return await pipeline(pieces, process.stdout, { end: false })
    const partial = `${out}.partial`
    try {
      await pipeline(pieces, createWriteStream(partial))
      await rename(partial, out)
    } catch (cause) {
      await rm(partial, { force: true }).catch(() => undefined)
      throw new JikoError('cli/cannot-write', `Cannot write ${out}: ${(cause as Error).message}`, { cause })
    }
  })

export async function backUp(file: string, { data, database }: DataOptions): Promise<void> {
  const url = await databaseOf(data, database)
  if (url !== undefined) {
    throw new JikoError(
      'hub/backup',
      `${describeDatabase(url)} is backed up by PostgreSQL's own pg_dump, or by who runs it`,
    )
  }
  await backUpSqlite(existingDatabase(data), file)
  console.log(`The database is backed up to ${resolve(file)}.`)
  console.log(`Photos (${resolve(data, 'blobs')}) and the hub's key (hub-key.json) are plain files: copy them too.`)
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { databasePath, movedPath, openDataFolder } from '../../../src/hub/data-folder.ts'
import { moveToPostgres } from '../../../src/hub/move.ts'
import { openPostgresStore } from '../../../src/hub/store/postgres.ts'
import { openSqliteStore } from '../../../src/hub/store/sqlite.ts'
import type { HubStore } from '../../../src/hub/store/store.ts'
import { utf8 } from '../../../src/lib/bytes.ts'
import { createFakePhone, type FakePhone, photoOf, resultLine } from '../../helpers/fake-phone.ts'
import { type PostgresServer, startPostgres } from '../../helpers/postgres.ts'
import { createTestHub } from '../../helpers/test-hub.ts'

let server: PostgresServer
const folder = mkdtempSync(join(tmpdir(), 'jiko-hub-move-'))
let folders = 0
const newFolder = (): string => join(folder, `${folders++}`)
const children: ChildProcess[] = []
beforeAll(async () => {
  server = await startPostgres()
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** A hub that has something of everything. */
async function fill(data: string): Promise<FakePhone[]> {
  const { store, blobs, signer } = await openDataFolder(data)
  const hub = await createTestHub({ store, blobs, signer })
  const phones = await Promise.all([1, 2, 3].map(() => createFakePhone()))
  for (const [i, phone] of phones.entries()) {
    const photo = utf8(`photo ${i}`)
    await phone.append(
      resultLine('naïve ☕ 🍃', { attachments: [await photoOf(photo)] }),
      'poison \u0000 \u0007',
      ...Array.from({ length: 700 }, (_, n) => resultLine(`leaf ${n}`)),
    )
    await hub.sync(phone, { from: 1 })
    const asked = await phone.patch((await photoOf(photo)).sha256, photo, 'http://localhost:8080')
    if (i < 2) expect((await hub.fetch(asked)).status).toBe(201)
  }
  const clone = phones[0]?.clone() as FakePhone
  await clone.append('mine')
  await phones[0]?.append('yours')
  await hub.sync(clone, { from: 703 })
  await hub.sync(phones[0] as FakePhone, { from: 703 })
  await store.addMember('default', { key: 'k', role: 'admin', name: 'Asha', enrolledAt: 1, by: 'hub' })
  await store.addInvitation('default', {
    id: 'ab'.repeat(32),
    role: 'viewer',
    name: '',
    createdAt: 1,
    expiresAt: 2,
    by: 'hub',
  })
  await store.addAudit('default', { at: 1, id: 'a', by: 'hub', action: 'enrol', about: 'k' })
  await store.revokeDevice('default', phones[2]?.key ?? '', 5)
  await store.setSetting('a', 'b')
  await store.close()
  return phones
}

/** All that a store tells. */
async function everything(store: HubStore): Promise<unknown> {
  const streams = await store.streams('default')
  const names = streams.map(({ stream }) => stream)
  return {
    programs: await store.programs(),
    devices: await store.devices('default'),
    streams,
    records: await store.records('default', { limit: 9999 }),
    positions: await Promise.all(names.map((stream) => store.positions('default', stream, 1, 9999))),
    heads: await Promise.all(names.map((stream) => store.provenHead('default', stream, 1, 9999))),
    forks: await store.forks('default', 99),
    totals: await store.totals('default'),
    lacking: await store.lackingBlobs('default', names, 99),
    forward: [await store.forksToForward('default', 99), await store.blobsToForward('default', 99)],
    members: await store.members('default'),
    invitations: await store.invitations('default'),
    audit: await store.audit('default', { limit: 99 }),
    setting: await store.setting('a'),
  }
}

/** The `jiko` command in a process of its own. */
function run(...parameters: string[]): ChildProcess {
  const child = spawn(process.execPath, ['src/cli/main.ts', 'hub', ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  return child
}

async function startHub(data: string): Promise<{ url: string; child: ChildProcess }> {
  const app = newFolder()
  mkdirSync(app)
  writeFileSync(join(app, 'index.html'), '<!doctype html><title>shell</title>')
  const child = run('--port', '0', '--host', '127.0.0.1', '--data', data, '--app', app)
  const [chunk] = await once(child.stdout as NodeJS.ReadableStream, 'data')
  const [, url = ''] = /(http:\/\/localhost:\d+)/.exec(String(chunk)) ?? []
  return { url, child }
}

describe('a hub that moves to PostgreSQL', () => {
  it.each([1, 3])('takes everything along, into %i partitions', async (partitions) => {
    const data = newFolder()
    await fill(data)
    const before = openSqliteStore(databasePath(data))
    const expected = await everything(before)
    await before.close()
    const to = await server.newSchema()
    const told: number[] = []
    expect(await moveToPostgres({ folder: data, to, partitions, onProgress: ({ done }) => told.push(done) })).toBe(2107)
    expect(told.at(-1)).toBe(2107)
    const after = await openPostgresStore(to)
    expect(await everything(after)).toEqual(expected)
    await after.close()
  })

  it('is the same hub for its phones, wherever it is started', async () => {
    const data = newFolder()
    const [phone] = await fill(data)
    const first = await openDataFolder(data)
    await first.store.close()
    const to = await server.newSchema()
    await moveToPostgres({ folder: data, to })
    expect(statSync(movedPath(data)).mode & 0o777).toBe(0o600)
    for (const open of [() => openDataFolder(data), () => openDataFolder(newFolder(), { database: to })]) {
      const { store, signer } = await open()
      expect(signer.key).toBe(first.signer.key)
      expect((await store.stream('default', phone?.stream ?? ''))?.tip).toBe(703)
      await store.close()
    }
  })

  it('lets a store that is open on the old database go on in the new one, and write nothing more to the old', async () => {
    const data = newFolder()
    await fill(data)
    const { store } = await openDataFolder(data)
    const to = await server.newSchema()
    await moveToPostgres({ folder: data, to })
    const phones = ['one', 'two', 'three']
    await Promise.all(phones.map((key) => store.seeDevice('default', { key, app: 'a', at: 9 })))
    await store.close()
    const [old, next] = [openSqliteStore(databasePath(data)), await openPostgresStore(to)]
    expect((await next.devices('default')).filter(({ key }) => phones.includes(key))).toHaveLength(3)
    expect((await old.devices('default')).filter(({ key }) => phones.includes(key))).toHaveLength(0)
    await expect(old.setSetting('a', 'c')).rejects.toThrow('moved')
    await old.close()
    await next.close()
    rmSync(movedPath(data))
    await expect(openDataFolder(data)).rejects.toMatchObject({
      code: 'hub/moved',
      cause: { code: 'hub/moved', message: expect.stringContaining('DATABASE_URL') },
    })
  })

  it('can be asked again, and not to take the place of another hub', async () => {
    const [data, other] = [newFolder(), newFolder()]
    await fill(data)
    await fill(other)
    const [to, elsewhere] = [await server.newSchema(), await server.newSchema()]
    await moveToPostgres({ folder: data, to })
    expect(await moveToPostgres({ folder: data, to })).toBe(2107)
    await expect(moveToPostgres({ folder: other, to })).rejects.toMatchObject({ code: 'hub/not-empty' })
    await expect(moveToPostgres({ folder: data, to: elsewhere })).rejects.toMatchObject({ code: 'hub/not-empty' })
    const store = openSqliteStore(databasePath(other))
    await store.setSetting('still', 'writable')
    await store.close()
    expect(existsSync(movedPath(other))).toBe(false)
  })

  it('that was stopped on the way stays where it was, and the unfinished copy serves nobody', async () => {
    const data = newFolder()
    await fill(data)
    const to = await server.newSchema()
    const controller = new AbortController()
    const moving = moveToPostgres({
      folder: data,
      to,
      signal: controller.signal,
      onProgress: ({ done }) => done > 900 && controller.abort(),
    })
    await expect(moving).rejects.toMatchObject({ name: 'AbortError' })
    const store = openSqliteStore(databasePath(data))
    await store.setSetting('still', 'writable')
    await store.close()
    expect(await moveToPostgres({ folder: data, to })).toBe(2107)
    await expect(moveToPostgres({ folder: data, to: 'postgres://jiko:secret@localhost:1/x' })).rejects.toMatchObject({
      code: 'hub/move',
      message: expect.not.stringContaining('secret'),
    })
  })

  it('while it runs under load, killed on the way and moved again, loses nothing and doubles nothing', async () => {
    const data = newFolder()
    const { url, child } = await startHub(data)
    const phones = await Promise.all(Array.from({ length: 6 }, () => createFakePhone()))
    let isOver = false
    /** Writes and sends without a pause, each batch until it is acknowledged. */
    async function work(phone: FakePhone): Promise<void> {
      for (let batch = 0; !isOver || batch < 5; batch++) {
        const from = phone.lines.length + 1
        await phone.append(...Array.from({ length: 20 }, (_, i) => resultLine(`leaf ${batch} ${i}`)))
        for (;;) {
          const response = await fetch(await phone.seal(await phone.request({ from }), url))
          if (response.status === 200) {
            const { ack } = await response.json()
            if (ack[phone.stream].hash === phone.hashAt(phone.lines.length)) break
            throw new Error(`acknowledged ${JSON.stringify(ack)} of ${phone.lines.length}`)
          }
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      }
    }
    const working = Promise.all(phones.map(work))
    // Awaited at the end; what goes wrong before is the test's own to tell.
    working.catch(() => undefined)
    const to = await server.newSchema()
    for (const patience of [300, 600]) {
      const killed = run('move', '--to', to, '--data', data)
      await new Promise((resolve) => setTimeout(resolve, patience))
      killed.kill('SIGKILL')
      if (killed.exitCode === null) await once(killed, 'exit')
    }
    const moved = run('move', '--to', to, '--data', data)
    let said = ''
    moved.stderr?.on('data', (chunk) => {
      said += chunk
    })
    expect([(await once(moved, 'exit'))[0], said]).toEqual([0, ''])
    // Some more over there.
    await new Promise((resolve) => setTimeout(resolve, 500))
    isOver = true
    await working
    child.kill('SIGTERM')
    expect((await once(child, 'exit'))[0]).toBe(0)

    const store = await openPostgresStore(to)
    for (const phone of phones) {
      const { tip, hash } = (await store.stream('default', phone.stream)) ?? {}
      expect([tip, hash]).toEqual([phone.lines.length, phone.hashAt(phone.lines.length)])
    }
    const stored = await store.records('default', { limit: 1_000_000 })
    expect(stored.map(({ line }) => line).sort()).toEqual(phones.flatMap(({ lines }) => lines).sort())
    await store.close()
  })
})

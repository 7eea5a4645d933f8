import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../../src/hub/data-folder.ts'
import type { SyncResponse } from '../../../src/protocol/hub.ts'
import { EMPTY_HASH, nextHash } from '../../../src/protocol/log.ts'
import { createFakePhone, type FakePhone, resultLine } from '../../helpers/fake-phone.ts'
import { type PostgresServer, startPostgres } from '../../helpers/postgres.ts'

let server: PostgresServer
const folder = mkdtempSync(join(tmpdir(), 'jiko-hub-killed-'))
const children: ChildProcess[] = []
beforeAll(async () => {
  server = await startPostgres({ durable: true })
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const KILLS = 4

/** What a phone was told is there, while the hub behind the address comes and goes. */
interface Worker {
  phone: FakePhone
  acknowledged: { upto: number; hash: string }
  pushes: number
}

async function work(worker: Worker, address: () => string, isOver: () => boolean): Promise<void> {
  const { phone } = worker
  while (!isOver() || worker.acknowledged.upto < phone.lines.length) {
    if (worker.acknowledged.upto === phone.lines.length) {
      await phone.append(...Array.from({ length: 10 }, (_, i) => resultLine(`leaf ${phone.lines.length + i}`)))
    }
    try {
      const from = worker.acknowledged.upto + 1
      const response = await fetch(await phone.seal(await phone.request({ from }), address()))
      const { ack } = (await response.json()) as SyncResponse
      const said = ack[phone.stream]
      if (!said) throw new Error('the hub says nothing of this stream')
      expect(said.hash).toBe(phone.hashAt(said.upto))
      worker.acknowledged = { upto: said.upto, hash: said.hash }
      worker.pushes += 1
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      // Dead: the next one is on its way.
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

describe.each(['SQLite', 'PostgreSQL'])('a hub on %s that is killed under load', (kind) => {
  it('keeps all that it acknowledged, counts it once, and its chains verify', async () => {
    const data = join(folder, kind)
    const database = kind === 'SQLite' ? undefined : await server.newDatabase()
    let url = ''
    let port = '0'
    async function start(): Promise<ChildProcess> {
      const parameters = ['test/helpers/dying-hub.ts', '0', data, port, ...(database === undefined ? [] : [database])]
      const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'inherit'] })
      children.push(child)
      const [chunk] = await once(child.stdout as NodeJS.ReadableStream, 'data')
      url = String(chunk).trim()
      port = new URL(url).port
      return child
    }

    let child = await start()
    const workers: Worker[] = []
    for (let i = 0; i < 8; i++) {
      workers.push({ phone: await createFakePhone(), acknowledged: { upto: 0, hash: EMPTY_HASH }, pushes: 0 })
    }
    let isOver = false
    const working = Promise.all(
      workers.map((worker) =>
        work(
          worker,
          () => url,
          () => isOver,
        ),
      ),
    )
    working.catch(() => undefined)
    const pushes = (): number => workers.reduce((sum, worker) => sum + worker.pushes, 0)
    for (let kill = 0; kill < KILLS; kill++) {
      const before = pushes()
      await expect.poll(pushes, { timeout: 20_000, interval: 5 }).toBeGreaterThan(before + 10 + 3 * kill)
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      child = await start()
    }
    isOver = true
    await working
    child.kill('SIGKILL')
    await once(child, 'exit')

    const store = await openStore(data, database)
    const stored = await store.records('default', { limit: 1_000_000 })
    for (const { phone } of workers) {
      const lines = stored.filter(({ stream }) => stream === phone.stream).sort((a, b) => a.seq - b.seq)
      expect(lines.map(({ line }) => line)).toEqual(phone.lines)
      let hash = EMPTY_HASH
      for (const { line } of lines) hash = await nextHash(hash, line)
      expect(await store.stream('default', phone.stream)).toMatchObject({ tip: phone.lines.length, hash })
    }
    expect(await store.forks('default', 9)).toEqual([])
    await store.close()
  })
})

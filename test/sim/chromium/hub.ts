import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { databasePath, keyPath } from '../../../src/hub/data-folder.ts'
import { openIdentity } from '../../../src/hub/identity.ts'
import { createMemoryStore, emptyState } from '../../../src/hub/store/memory.ts'
import { openSqliteStore } from '../../../src/hub/store/sqlite.ts'
import { judge } from '../../../src/hub/verdict.ts'
import { deleteHubData, type HubProcess, startHub } from '../../helpers/hub-process.ts'
import { PROGRAM } from '../../unit/sync/world.ts'
import type { CheckedHub } from '../check.ts'

const EVERYTHING = 100_000

/** The real command in a process of its own, over SQLite. */
export interface HubOnDisk extends CheckedHub {
  readonly url: string
  signer: { key: string }
  /** As by `kill -9`. */
  kill(): Promise<void>
  /** On the same disk, at the same address. */
  restart(): Promise<void>
  /** It burns down; a new one stands at its address. */
  replace(): Promise<void>
  /** Stops the process where it is, or lets it go on. */
  freeze(frozen: boolean): void
  /** What its database holds now, for the checker. */
  look(): Promise<void>
  close(): Promise<void>
}

export async function openHub(index: number, upstream?: string): Promise<HubOnDisk> {
  const app = await mkdtemp(join(tmpdir(), 'jiko-hub-app-'))
  await writeFile(join(app, 'index.html'), '<!doctype html><title>none</title>')
  const args = ['--app', app, ...(upstream === undefined ? [] : ['--upstream', upstream, '--no-mirror'])]
  let running: HubProcess = await startHub({ args })
  const port = Number(new URL(running.url).port)
  const keyOf = (): Promise<{ key: string }> => openIdentity(keyPath(running.data))

  const hub: HubOnDisk = {
    index,
    url: running.url,
    signer: await keyOf(),
    disk: { state: emptyState() },
    kill: () => running.stop('SIGKILL'),
    async restart() {
      await running.stop('SIGKILL')
      running = await startHub({ args, port, data: running.data })
    },
    async replace() {
      await running.stop('SIGKILL')
      await deleteHubData(running)
      running = await startHub({ args, port })
      hub.signer = await keyOf()
    },
    freeze: (frozen) => running.signal(frozen ? 'SIGSTOP' : 'SIGCONT'),
    async look() {
      const state = emptyState()
      await createMemoryStore(state).addProgram(PROGRAM, 0)
      const program = state.programs.get(PROGRAM)
      const store = openSqliteStore(databasePath(running.data))
      try {
        for (const stream of await store.streams(PROGRAM)) {
          const lines = await store.lines(PROGRAM, stream.stream, 1, EVERYTHING)
          // Written to while it is looked at: what came in after the stream was read is for the next look.
          const rows = lines
            .slice(0, stream.tip)
            .map((line) => ({ ...line, attachments: judge(line.line, undefined).attachments }))
          program?.streams.set(stream.stream, stream)
          program?.rows.set(stream.stream, rows)
          for (const { sha256, bytes } of rows.flatMap(({ attachments }) => attachments)) {
            if ((await store.namedBlob(PROGRAM, sha256))?.whole) program?.blobs.set(sha256, { above: 'nowhere', bytes })
          }
        }
        for (const fork of await store.forks(PROGRAM, EVERYTHING)) {
          program?.forks.set(`${fork.stream}/${fork.seq}/${fork.lineHash}`, { ...fork, above: false })
        }
      } finally {
        await store.close()
      }
      hub.disk = { state }
    },
    async close() {
      await running.stop('SIGKILL')
      await deleteHubData(running)
      await rm(app, { recursive: true, force: true })
    },
  }
  await hub.look()
  return hub
}

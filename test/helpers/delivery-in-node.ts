import { buildDelta } from '../../src/cli/pack/delta.ts'
import { blobReader } from '../../src/cli/pack/open-folder.ts'
import { isAbort } from '../../src/lib/abort.ts'
import { utf8 } from '../../src/lib/bytes.ts'
import { sha256Hex } from '../../src/lib/sha256.ts'
import { checkIndex } from '../../src/packs/check-updates.ts'
import { createInstaller, type InstallerDeps } from '../../src/packs/install.ts'
import { memoryLocks } from '../../src/packs/locks.ts'
import { openPack } from '../../src/packs/open.ts'
import { createMemoryStore } from '../../src/packs/store-memory.ts'
import { withUpdates } from '../../src/protocol/delta.ts'
import { type Behaviour, type FlakyServer, startFlakyServer } from './flaky-server.ts'
import { KEEP, type SyntheticPack } from './synthetic-pack.ts'

export interface Weather {
  behave?: (nth: number) => Behaviour
  /** Bytes received in all after which the process is killed, ascending. */
  kills?: readonly number[]
}

export interface DeliveredInNode {
  exact: boolean
  /** Bytes of chunks that the phone took in, and that the server handed over. */
  received: number
  sent: number
  kills: number
  requests: number
  seconds: number
}

async function serve(pack: SyntheticPack, behave: (nth: number) => Behaviour = () => ({})): Promise<FlakyServer> {
  let nth = 0
  const server = await startFlakyServer(({ path }) => (path.endsWith('.bin') ? behave(nth++) : {}))
  publish(server, pack)
  return server
}

function publish(server: FlakyServer, pack: SyntheticPack): void {
  server.put('/pack/manifest.ndjson', utf8(pack.text))
  server.put('/pack/chunks.bin', pack.blob)
}

/** An install that is killed and started again until it is complete; every byte of chunks that came in is counted. */
async function install(
  server: FlakyServer,
  pack: SyntheticPack,
  store: InstallerDeps['store'],
  kills: readonly number[] = [],
): Promise<Omit<DeliveredInNode, 'sent' | 'requests'>> {
  let received = 0
  let killed = 0
  const started = performance.now()
  for (;;) {
    const controller = new AbortController()
    // A new installer each time: nothing but the store survives a kill.
    const installer = createInstaller({
      store,
      exclusive: memoryLocks(),
      trusted: [pack.key],
      fetch: (url, init) => fetch(url, init),
      spend(bytes, name) {
        if (name !== '') received += bytes
        if (received >= (kills[killed] ?? Number.POSITIVE_INFINITY)) {
          killed++
          controller.abort()
        }
      },
    })
    try {
      await installer.install(`${server.origin}/pack/`, { signal: controller.signal })
      break
    } catch (error) {
      if (!isAbort(error)) throw error
    }
  }
  const seconds = (performance.now() - started) / 1000
  const { readFile } = await openPack(store, pack.manifest.name, [pack.key])
  const exact = (await sha256Hex(await readFile(KEEP))) === (await sha256Hex(pack.files.get(KEEP) ?? new Uint8Array()))
  return { received, kills: killed, seconds, exact }
}

/** One pack through one weather. */
export async function deliverInNode(pack: SyntheticPack, { behave, kills }: Weather): Promise<DeliveredInNode> {
  const server = await serve(pack, behave)
  try {
    const done = await install(server, pack, createMemoryStore(), kills)
    return { ...done, sent: server.sentOf('/pack/chunks.bin'), requests: server.requests.length - 1 }
  } finally {
    await server.close()
  }
}

/** An update from one version to the next, as `jiko pack` offers it and as the phone takes it. */
export async function updateInNode(pack: SyntheticPack, next: SyntheticPack) {
  const built = await buildDelta(
    { ...pack, read: blobReader(pack.manifest, pack.blob) },
    { ...next, read: blobReader(next.manifest, next.blob) },
  )
  const server = await serve(pack)
  try {
    const store = createMemoryStore()
    await install(server, pack, store)
    publish(server, { ...next, text: withUpdates(next.text, built ? [built.update] : []) })
    if (built) {
      server.put(`/pack/${built.update.path}`, built.table)
      server.put(`/pack/${built.delta.blob.path}`, built.blob)
    }
    return await install(server, next, store)
  } finally {
    await server.close()
  }
}

/** Bytes on the wire, headers included, of asking whether three packs changed when none did. */
export async function checkInNode(): Promise<{ up: number; down: number; changed: boolean }> {
  const server = await startFlakyServer()
  try {
    const text = { en: 'A pack that is offered here' }
    const entry = (name: string) => ({
      name,
      version: '1.0.0',
      digest: 'a'.repeat(64),
      url: `${name}/manifest.ndjson`,
      bytes: 1,
      title: text,
      description: text,
    })
    server.put('/packs/index.json', utf8(JSON.stringify({ packs: ['one', 'two', 'three'].map(entry) })))
    const notes = createMemoryStore()
    const link = { fetch: (url: string, init: RequestInit) => fetch(url, init) }
    await checkIndex(`${server.origin}/packs/index.json`, link, notes)
    const before = server.wire()
    const { changed } = await checkIndex(`${server.origin}/packs/index.json`, link, notes)
    const after = server.wire()
    return { up: after.up - before.up, down: after.down - before.down, changed }
  } finally {
    await server.close()
  }
}

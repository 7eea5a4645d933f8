import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHub } from '../../../src/hub/app.ts'
import { createMemoryBlobs } from '../../../src/hub/blob-store/memory.ts'
import { type RunningHub, serve } from '../../../src/hub/serve.ts'
import { createMemoryStore } from '../../../src/hub/store/memory.ts'
import type { HubStore } from '../../../src/hub/store/store.ts'
import { createSigner, generateKeyPair } from '../../../src/protocol/sign.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import { createMemoryLock } from '../../../src/sync/memory-lock.ts'
import { createSync } from '../../../src/sync/sync.ts'
import { type CountingProxy, createCountingProxy } from '../../helpers/counting-proxy.ts'
import { createResults } from '../../helpers/season.ts'
import { photo, resultWith } from '../store/samples.ts'
import { PROGRAM } from './world.ts'

/** Bytes through real sockets. */
let running: RunningHub
let hubStore: HubStore
/** Bytes of bodies of photos that reached the hub, and the proxy in front of it. */
let arrived: number
let proxy: CountingProxy

beforeEach(async () => {
  arrived = 0
  hubStore = createMemoryStore()
  await hubStore.addProgram(PROGRAM, 0)
  const signer = await createSigner(await generateKeyPair(false))
  const hub = createHub({ store: hubStore, blobs: createMemoryBlobs(), signer, version: '1.0.0' })
  running = await serve(
    {
      ...hub,
      fetch(request, env) {
        if (request.method !== 'PATCH' || !request.body) return hub.fetch(request, env)
        const counter = new TransformStream<Uint8Array, Uint8Array>({
          transform(part, controller) {
            arrived += part.length
            controller.enqueue(part)
          },
        })
        const { url, method, headers } = request
        const body = request.body.pipeThrough(counter)
        return hub.fetch(new Request(url, { method, headers, body, duplex: 'half' } as RequestInit), env)
      },
    },
    { port: 0, host: '127.0.0.1' },
  )
})
afterEach(async () => {
  await proxy?.close().catch(() => undefined)
  await running?.close()
})

/** @param most bytes that a connection carries. */
async function createPhone(most?: number) {
  proxy = await createCountingProxy(new URL(`http://127.0.0.1:${running.port}`), most)
  const store = await openMemoryStore()
  /** Bytes of bodies, there and back. */
  const bodies = { up: 0, down: 0 }
  const sync = createSync({
    store,
    hubUrl: proxy.url,
    program: PROGRAM,
    app: 'jiko 0.1.0',
    lock: createMemoryLock(),
    moment: () => ({ wall: Date.now(), mono: performance.now(), session: 'k3v5q2xa' }),
    sleep: async (_ms, signal) => signal?.throwIfAborted(),
    async fetch(url, init) {
      bodies.up += (init.body as Uint8Array | undefined)?.length ?? 0
      const answer = await fetch(url, init)
      const bytes = await answer.arrayBuffer()
      bodies.down += bytes.byteLength
      return new Response(answer.status === 204 ? null : bytes, answer)
    },
  })
  return { store, sync, bodies }
}

describe('on the wire', () => {
  it.each([50, 500])('a record costs at most 75 bytes where %i wait', async (count) => {
    const { store, sync, bodies } = await createPhone()
    const next = createResults()
    await store.append(next())
    expect(await sync.now()).toMatchObject({ allSent: true })
    const before = bodies.up
    for (let i = 0; i < count; i++) await store.append(next())
    expect(await sync.now()).toMatchObject({ allSent: true, final: count + 1 })
    // Everything that the bodies of all requests took, the envelope included.
    expect((bodies.up - before) / count).toBeLessThanOrEqual(75)
  })

  it('a sync with nothing to send costs at most 1 KB, there and back', async () => {
    const { store, sync, bodies } = await createPhone()
    await store.append(createResults()())
    await sync.now()
    const before = { ...bodies }
    expect(await sync.now()).toMatchObject({ allSent: true })
    expect(bodies.up - before.up + bodies.down - before.down).toBeLessThanOrEqual(1024)
  })

  it('a photo of 400 KB arrives when every connection dies after 8 KB, headers and all, with at most a tenth sent again', async () => {
    const { store, sync } = await createPhone(8 * 1024)
    const file = await photo(7, 400_000)
    await store.append(resultWith(file), [file])
    let runs = 0
    while (!(await sync.now()).allSent) expect(runs++).toBeLessThan(20)
    expect(await hubStore.namedBlob(PROGRAM, file.sha256)).toMatchObject({ whole: true })
    expect(arrived).toBeGreaterThanOrEqual(400_000)
    expect(arrived).toBeLessThanOrEqual(440_000)
  })
})

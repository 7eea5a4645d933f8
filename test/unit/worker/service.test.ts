import { describe, expect, it } from 'vitest'
import { clipBytes } from '../../../src/cli/pack/clips.ts'
import { isAbort, sleep } from '../../../src/lib/abort.ts'
import { createDeferred } from '../../../src/lib/deferred.ts'
import { createClips } from '../../../src/packs/clips.ts'
import type { LinkFacts } from '../../../src/packs/cost.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { clipLanguages } from '../../../src/protocol/clips.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import type { Pixels } from '../../../src/protocol/task.ts'
import { float32, type Tensors } from '../../../src/protocol/tensor.ts'
import type { Progress } from '../../../src/protocol/worker.ts'
import type { Backend } from '../../../src/runtime/backend.ts'
import { reportDevice } from '../../../src/worker/device.ts'
import { exportBlob, openBundle, openKeeping } from '../../../src/worker/keeping.ts'
import { createOffers } from '../../../src/worker/offers.ts'
import { createPackRoom, type PackRoomDeps } from '../../../src/worker/pack-room.ts'
import { createWorkerService } from '../../../src/worker/service.ts'
import { KEEP, noise, SMALL, type SyntheticPack, syntheticPack, throwAwaySigner } from '../../helpers/synthetic-pack.ts'
import { tone } from '../../helpers/tone.ts'

const URL_OF_PACK = 'https://hub.test/packs/leaf/manifest.ndjson'
const rgba = (width: number, height: number): Pixels => ({
  width,
  height,
  data: new Uint8ClampedArray(width * height * 4),
})

/** A server of one pack that counts what it sends. */
function serve(pack: () => SyntheticPack) {
  const sent = { bytes: 0, requests: 0, indexes: 0 }
  const answer = async (url: string, init: RequestInit): Promise<Response> => {
    sent.requests += 1
    if (url.endsWith('index.json')) {
      sent.indexes += 1
      const { manifest, digest, blob } = pack()
      const { name, version, title, description } = manifest
      const clips = Object.fromEntries(
        clipLanguages(manifest).map((language) => [language, clipBytes(manifest, language)]),
      )
      const entry = {
        name,
        version,
        digest,
        url: 'leaf/manifest.ndjson',
        bytes: blob.length,
        clips,
        title,
        description,
      }
      const body = JSON.stringify({ packs: [entry] })
      const etag = `"${digest}"`
      if (new Headers(init.headers).get('if-none-match') === etag) return new Response(null, { status: 304 })
      return new Response(body, { headers: { etag } })
    }
    if (url.endsWith('manifest.ndjson')) return new Response(pack().text)
    const range = new Headers(init.headers).get('range')
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(range ?? '') ?? []
    const { blob } = pack()
    const end = to === '' ? blob.length - 1 : Number(to)
    const body = blob.slice(Number(from), end + 1)
    sent.bytes += body.length
    return new Response(body, {
      status: range ? 206 : 200,
      headers: { 'content-range': `bytes ${from}-${end}/${blob.length}`, etag: '"1"' },
    })
  }
  return { sent, fetch: answer }
}

interface FakeOptions {
  engine: Backend['engine']
  id?: string
  /** Milliseconds that a run takes. */
  takes?: number
  answer?: (inputs: Tensors) => Promise<Tensors>
  steady?: boolean
  scores?: readonly [number, number]
}

/** A backend whose sessions give the same scores to anything; the synthetic pack's golden answer is [0.25, 0.75]. */
function fake({
  engine,
  id = `fake-${engine} 1`,
  takes = 0,
  scores = [0.25, 0.75],
  steady = false,
  answer,
}: FakeOptions) {
  const log = { created: 0, disposed: 0, read: [] as string[] }
  const backend: Backend = {
    id,
    name: id,
    engine,
    steady,
    async createSession(program, read) {
      log.created += 1
      const path = program.engine === 'nano' ? program.plan : program.model
      log.read.push(path)
      await read(path)
      return {
        async run(inputs) {
          if (takes > 0) await sleep(takes)
          return answer?.(inputs) ?? { scores: float32([1, 2], Float32Array.from(scores)) }
        },
        dispose: async () => {
          log.disposed += 1
        },
      }
    },
  }
  return { backend, log }
}

const receive = async () => ({
  input: { kind: 'image' as const, pixels: rgba(64, 64) },
  attachments: [{ role: 'input' as const, type: 'image/jpeg', bytes: new Uint8Array([1]) }],
})

const INDEX = 'https://hub.test/packs/index.json'

async function setUp(
  pack: SyntheticPack,
  backends: readonly Backend[],
  store = createMemoryStore(),
  link: () => LinkFacts = () => ({}),
  room: Partial<PackRoomDeps> = {},
  calm: () => Promise<void> = async () => undefined,
) {
  let current = pack
  const server = serve(() => current)
  const keeping = await openKeeping({ store, link })
  const packs = await createPackRoom({
    store,
    backends,
    fetch: server.fetch,
    makeRoom: keeping.makeRoom,
    spend: keeping.spend,
    link: keeping.link,
    exclusive: memoryLocks(),
    trusted: [pack.key],
    code: 'test',
    ...room,
  })
  let time = 0
  const now = (): number => {
    time += 5
    return time
  }
  const offer = (next: SyntheticPack): void => {
    current = next
  }
  const clock = { at: 1_700_000_000_000 }
  const counts = { spent: 0 }
  const service = createWorkerService({
    packs,
    backends,
    onSpent: () => void counts.spent++,
    device: () => reportDevice(packs, store),
    clips: createClips(store),
    keeping: async () => keeping,
    offers: createOffers({
      store,
      link: { fetch: server.fetch, spend: keeping.count },
      trusted: [pack.key],
      choose: packs.choose,
      now: () => clock.at,
    }),
    openBundle: (file) => openBundle(file, store),
    exportFile: (name) => exportBlob(store, name),
    receive,
    decodeToKeep: async () => rgba(64, 64),
    encodePhoto: async () => [],
    encode: async () => ({ role: 'output', type: 'image/jpeg', bytes: new Uint8Array([2]) }),
    now,
    calm,
  })
  return { service, store, sent: server.sent, offer, clock, counts }
}

const photo = new Blob(['a photo'])
const TWO_PROGRAMS = { [KEEP]: noise(20_000, 1), 'full.onnx': noise(90_000, 2) }

describe('the worker', () => {
  it('installs, opens and answers, with all that a record must name', async () => {
    const pack = await syntheticPack()
    const { backend } = fake({ engine: 'nano' })
    const { service } = await setUp(pack, [backend])
    expect(await service.install('1', URL_OF_PACK)).toMatchObject({ name: 'leaf', state: 'ready' })
    expect(await service.open('2', 'leaf')).toMatchObject({
      digest: pack.digest,
      variant: 'int8',
      backend: 'fake-nano 1',
      manifest: { name: 'leaf' },
    })
    const { answer, ...rest } = await service.run('3', 'leaf', photo)
    const scores = [{ label: 'rust' }, { label: 'healthy' }]
    expect(answer).toMatchObject({ kind: 'classes', label: 'rust', sure: true, known: true, scores })
    expect(rest).toMatchObject({ packDigest: pack.digest, variant: 'int8', backend: 'fake-nano 1', threshold: 0.5 })
    expect(rest.attachments).toHaveLength(1)
    expect([rest.decodeMs, rest.ms]).toEqual([5, 5])
  })

  it('loads a session once, runs one at a time, and keeps answering after a run that failed', async () => {
    let running = 0
    let most = 0
    let runs = 0
    const { backend, log } = fake({
      engine: 'nano',
      answer: async () => {
        running += 1
        most = Math.max(most, running)
        runs += 1
        const failing = runs === 4
        await new Promise((resolve) => setTimeout(resolve, 2))
        running -= 1
        if (failing) throw new Error('trap')
        return { scores: float32([1, 2], Float32Array.of(0.25, 0.75)) }
      },
    })
    const { service } = await setUp(await syntheticPack(), [backend])
    await service.install('i', URL_OF_PACK)
    const before = log.created
    const jobs = await Promise.allSettled(['a', 'b', 'c', 'd'].map((job) => service.run(job, 'leaf', photo)))
    expect(jobs.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(most).toBe(1)
    expect(log.created - before).toBe(1)
  })

  it('fetches only the program it can run: no other engine costs a byte', async () => {
    const pack = await syntheticPack({ files: TWO_PROGRAMS })
    const { service, sent } = await setUp(pack, [fake({ engine: 'nano' }).backend, fake({ engine: 'onnx' }).backend])
    const status = await service.install('1', URL_OF_PACK)
    expect(sent.bytes).toBe(status.bytes)
    expect(sent.bytes).toBeLessThan(25_000)
  })

  it('asks a steady backend for its golden answers once: again after it failed, in other code, and when asked to', async () => {
    const pack = await syntheticPack()
    const store = createMemoryStore()
    const state = { runs: 0, failing: false }
    const answer = async (): Promise<Tensors> => {
      state.runs += 1
      if (state.failing) {
        state.failing = false
        throw new JikoError('runtime/run-failed', 'trap')
      }
      return { scores: { type: 'float32', dims: [1, 2], data: new Float32Array([0.25, 0.75]) } }
    }
    const start = async (code: string, steady = true) => {
      state.runs = 0
      const { backend } = fake({ engine: 'nano', steady, answer })
      return (await setUp(pack, [backend], store, undefined, { code })).service
    }
    await (await start('one')).install('1', URL_OF_PACK)
    expect(state.runs).toBe(1)
    const again = await start('one')
    await again.open('1', 'leaf')
    expect(state.runs).toBe(0)
    state.failing = true
    await again.run('2', 'leaf', photo)
    // The run that failed, the golden input of the session after it, the run that answered.
    expect(state.runs).toBe(3)
    await (await start('two')).open('1', 'leaf')
    expect(state.runs).toBe(1)
    const measured = await start('two')
    await measured.measureAgain()
    await measured.open('1', 'leaf')
    expect(state.runs).toBe(1)
    // Drivers change without anybody saying so.
    await (await start('two', false)).open('1', 'leaf')
    expect(state.runs).toBe(1)
  })

  it('asks a steady backend again, also where it was being opened unasked when everything was forgotten', async () => {
    const pack = await syntheticPack()
    const store = createMemoryStore()
    const opening = { reached: createDeferred<void>(), gate: createDeferred<void>(), held: false }
    const { backend, log } = fake({ engine: 'nano', steady: true })
    let runs = 0
    const held: Backend = {
      ...backend,
      async createSession(...args) {
        if (opening.held) {
          opening.reached.resolve()
          await opening.gate.promise
        }
        const session = await backend.createSession(...args)
        return {
          ...session,
          run(inputs) {
            runs += 1
            return session.run(inputs)
          },
        }
      },
    }
    const { service } = await setUp(pack, [held], store)
    await service.install('i', URL_OF_PACK)
    opening.held = true
    const open = service.open('1', 'leaf')
    await opening.reached.promise
    const again = service.measureAgain()
    await expect.poll(() => store.getNote('proved')).toBe('{"by":"test","ways":[]}')
    opening.gate.resolve()
    await Promise.all([open, again])
    runs = 0
    await (await setUp(pack, [held], store)).service.open('2', 'leaf')
    expect([runs, log.created]).toEqual([1, 3])
  })

  it.each([
    ['right', 0.75],
    ['wrong', 0.5],
  ])('a check that everything was forgotten during counts for nothing, were its answers %s', async (how, score) => {
    const pack = await syntheticPack({ files: TWO_PROGRAMS })
    const store = createMemoryStore()
    const check = { reached: createDeferred<void>(), gate: createDeferred<void>(), held: true }
    let runs = 0
    const steady = fake({
      engine: 'nano',
      steady: true,
      answer: async () => {
        runs += 1
        const asked = check.held
        if (asked) {
          check.held = false
          check.reached.resolve()
          await check.gate.promise
        }
        return { scores: float32([1, 2], Float32Array.of(1 - (asked ? score : 0.75), asked ? score : 0.75)) }
      },
    }).backend
    const other = fake({ engine: 'onnx' }).backend
    check.held = false
    const { service, sent } = await setUp(pack, [steady, other], store)
    await service.install('i', URL_OF_PACK)
    await service.measureAgain()
    check.held = true
    runs = 0
    const open = service.open('1', 'leaf')
    await check.reached.promise
    const again = service.measureAgain()
    const before = sent.bytes
    check.gate.resolve()
    // What was found wrong is not passed over for it: it is asked once more, and is right now.
    expect(await open).toMatchObject({ backend: 'fake-nano 1' })
    await again
    expect([sent.bytes - before, runs]).toEqual([0, how === 'right' ? 1 : 2])
    const later = await setUp(pack, [steady, other], store)
    runs = 0
    await later.service.open('2', 'leaf')
    expect(runs).toBe(how === 'right' ? 1 : 0)
  })

  it('passes over a backend with wrong golden answers, fetches what the next one needs, and remembers', async () => {
    const pack = await syntheticPack({ files: TWO_PROGRAMS })
    const wrong = fake({ engine: 'nano', scores: [0.5, 0.5] })
    const right = fake({ engine: 'onnx' })
    const { service, store } = await setUp(pack, [wrong.backend, right.backend])
    await service.install('1', URL_OF_PACK)
    expect(await service.open('2', 'leaf')).toMatchObject({ backend: 'fake-onnx 1', variant: 'fp32' })
    expect(wrong.log.disposed).toBe(1)

    const again = await setUp(pack, [wrong.backend, right.backend], store)
    await again.service.open('1', 'leaf')
    expect(wrong.log.created).toBe(1)
    expect(again.sent.requests).toBe(0)
  })

  it('changes backend for an installed pack too: its browser was updated and is wrong now', async () => {
    const pack = await syntheticPack({ files: TWO_PROGRAMS })
    const { service, store } = await setUp(pack, [fake({ engine: 'nano' }).backend])
    await service.install('1', URL_OF_PACK)
    const later = await setUp(
      pack,
      [fake({ engine: 'nano', scores: [1, 0] }).backend, fake({ engine: 'onnx' }).backend],
      store,
    )
    expect(await later.service.open('1', 'leaf')).toMatchObject({ backend: 'fake-onnx 1' })
  })

  it('installs nothing when no backend is right, and says each reason', async () => {
    const { service } = await setUp(await syntheticPack(), [fake({ engine: 'nano', scores: [1, 0] }).backend])
    await expect(service.install('1', URL_OF_PACK)).rejects.toMatchObject({
      code: 'pack/failed-check',
      message: expect.stringContaining('off by 0.75'),
    })
    expect(await service.list()).toEqual([])
    await expect(service.open('2', 'leaf')).rejects.toMatchObject({ code: 'pack/absent' })
  })

  it('repairs damaged chunks when opening, fetching just those', async () => {
    const pack = await syntheticPack()
    const { service, store, sent } = await setUp(pack, [fake({ engine: 'nano' }).backend])
    await service.install('1', URL_OF_PACK)
    const before = sent.bytes
    const [, second] = pack.manifest.blob.chunks
    await store.putChunk(second?.sha256 ?? '', new Uint8Array(10))
    // To get it ready before anybody asks is worth no byte of theirs.
    await expect(service.open('2', 'leaf', undefined, { here: true })).rejects.toMatchObject({ code: 'pack/damaged' })
    expect(sent.bytes).toBe(before)
    await service.open('3', 'leaf')
    expect(sent.bytes - before).toBe(second?.length)
  })

  it('answers with the new version after an update, not with the session of the old one', async () => {
    const signer = await throwAwaySigner()
    const { service, offer } = await setUp(await syntheticPack({ signer }), [fake({ engine: 'nano' }).backend])
    await service.install('1', URL_OF_PACK)
    await service.run('2', 'leaf', photo)
    const next = await syntheticPack({ signer, version: '1.1.0' })
    offer(next)
    expect(await service.install('3', URL_OF_PACK)).toMatchObject({ version: '1.1.0' })
    expect(await service.run('4', 'leaf', photo)).toMatchObject({ packDigest: next.digest })
  })

  it('refuses an update by another key, and goes on with what it has', async () => {
    const first = await syntheticPack()
    const { service, offer } = await setUp(first, [fake({ engine: 'nano' }).backend])
    await service.install('1', URL_OF_PACK)
    offer(await syntheticPack({ version: '1.1.0' }))
    await expect(service.install('2', URL_OF_PACK)).rejects.toMatchObject({ code: 'pack/untrusted' })
    expect(await service.run('3', 'leaf', photo)).toMatchObject({ packDigest: first.digest })
  })

  it('makes one download of a pack that two tabs want: both see its progress, either can stop it', async () => {
    const pack = await syntheticPack({ files: { [KEEP]: noise(60_000, 4) } })
    const { service, sent } = await setUp(pack, [fake({ engine: 'nano' }).backend])
    const seen: number[] = []
    let second: Promise<unknown> | undefined
    const first = service.install('1', URL_OF_PACK, () => {
      second ??= service.install('2', URL_OF_PACK, ({ done }) => void seen.push(done))
    })
    expect(await first).toMatchObject({ state: 'ready' })
    expect(await second).toMatchObject({ state: 'ready' })
    expect(seen.length).toBeGreaterThan(1)
    expect(sent.requests).toBe(2)
    await service.remove('leaf')
    const other: { ended?: Promise<unknown> } = {}
    const stopped = service.install('3', URL_OF_PACK, () => {
      other.ended ??= service.install('4', URL_OF_PACK).catch((error) => error)
      void service.cancel('4')
    })
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
    expect(isAbort(await other.ended)).toBe(true)
    expect(await service.install('5', URL_OF_PACK)).toMatchObject({ state: 'ready' })
  })

  it('cancels the job that runs and the one that waits, and answers the next', async () => {
    const { service } = await setUp(await syntheticPack(), [fake({ engine: 'nano' }).backend])
    await service.install('i', URL_OF_PACK)
    const running = service.run('a', 'leaf', photo)
    const waiting = service.run('b', 'leaf', photo)
    await service.cancel('a')
    await service.cancel('b')
    await service.cancel('no such job')
    const ended = await Promise.allSettled([running, waiting])
    expect(ended.map((one) => one.status === 'rejected' && isAbort(one.reason))).toEqual([true, true])
    expect((await service.run('c', 'leaf', photo)).answer).toMatchObject({ label: 'rust' })
  })
})

describe('which backend answers', () => {
  const onnxOnly = () =>
    syntheticPack({
      edit: (manifest) => {
        manifest.variants[0]?.programs.splice(0, 1, { engine: 'onnx', model: KEEP, memory: 30e6 })
      },
    })
  const waysOf = async ({ service }: Awaited<ReturnType<typeof setUp>>) => (await service.device()).packs[0]?.ways

  it('is the first that is right, and from then on the fastest by the stopwatch, also after a restart', async () => {
    const pack = await onnxOnly()
    const slow = fake({ engine: 'onnx', id: 'slow 1', takes: 25 })
    const fast = fake({ engine: 'onnx', id: 'fast 1', takes: 1 })
    const set = await setUp(pack, [slow.backend, fast.backend])
    await set.service.install('i', URL_OF_PACK)
    expect(fast.log.created).toBe(0)
    expect(await set.service.run('1', 'leaf', photo)).toMatchObject({ backend: 'slow 1' })
    await expect
      .poll(() => waysOf(set))
      .toMatchObject([
        { backend: 'slow 1', used: false, ms: expect.any(Number) },
        { backend: 'fast 1', used: true, ms: expect.any(Number) },
      ])
    await expect.poll(async () => (await set.service.run('2', 'leaf', photo)).backend).toBe('fast 1')
    const { created } = slow.log
    const again = await setUp(pack, [slow.backend, fast.backend], set.store)
    expect(await again.service.run('3', 'leaf', photo)).toMatchObject({ backend: 'fast 1' })
    expect(slow.log.created).toBe(created)

    const newer = fake({ engine: 'onnx', id: 'slow 2' })
    const updated = await setUp(pack, [newer.backend, fast.backend], set.store)
    await updated.service.run('4', 'leaf', photo)
    const ms = expect.any(Number)
    await expect.poll(() => waysOf(updated)).toMatchObject([{ backend: 'slow 2', used: true, ms }, { used: false }])
    await updated.service.measureAgain()
    expect(await waysOf(updated)).toMatchObject([{ backend: 'slow 2', used: true }, {}])
    expect((await waysOf(updated))?.[0]).not.toHaveProperty('ms')
  })

  it('is not told by a race that was under way when everything was forgotten', async () => {
    const [reached, gate] = [createDeferred<void>(), createDeferred<void>()]
    const slow = fake({ engine: 'onnx', id: 'slow 1' })
    const rival = fake({
      engine: 'onnx',
      id: 'rival 1',
      async answer() {
        reached.resolve()
        await gate.promise
        return { scores: float32([1, 2], Float32Array.of(0.25, 0.75)) }
      },
    })
    const set = await setUp(await onnxOnly(), [slow.backend, rival.backend])
    await set.service.install('i', URL_OF_PACK)
    await set.service.run('1', 'leaf', photo)
    await reached.promise
    await set.service.measureAgain()
    gate.resolve()
    await expect.poll(() => rival.log.disposed).toBe(1)
    for (const way of (await waysOf(set)) ?? []) expect(way).not.toHaveProperty('ms')
    expect(JSON.parse((await set.store.getNote('verdicts')) ?? '')).toEqual({})
  })

  it('is not made to wait for a new worker in the middle of a race, but after it', async () => {
    const one = fake({ engine: 'onnx', id: 'one 1', takes: 1 })
    const slow = fake({ engine: 'onnx', id: 'slow 1', takes: 40 })
    const memory = new WebAssembly.Memory({ initial: 1 })
    const growing = { ...slow.backend, heap: () => (slow.log.created > 0 ? memory : undefined) }
    const set = await setUp(await onnxOnly(), [one.backend, growing])
    await set.service.install('i', URL_OF_PACK)
    await set.service.run('1', 'leaf', photo)
    await expect.poll(() => slow.log.created).toBe(1)
    await set.service.run('2', 'leaf', photo)
    expect(set.counts.spent).toBe(0)
    await expect.poll(() => waysOf(set)).toMatchObject([{ used: true }, { ms: expect.any(Number), used: false }])
    await expect.poll(() => set.counts.spent).toBe(1)
  })

  it('is not misjudged because the phone was busy when the race began', async () => {
    let [clock, runs] = [0, 0]
    const timed = (id: string, takes: () => number): Backend =>
      fake({
        engine: 'onnx',
        id,
        async answer() {
          clock += takes()
          return { scores: float32([1, 2], Float32Array.of(0.25, 0.75)) }
        },
      }).backend
    let rivalRan = false
    const one = timed('one 1', () => (rivalRan ? 10 : 40 + runs++))
    const rival = timed('rival 1', () => {
      rivalRan = true
      return 20
    })
    const set = await setUp(await onnxOnly(), [one, rival], undefined, undefined, { now: () => clock })
    await set.service.install('i', URL_OF_PACK)
    await set.service.run('1', 'leaf', photo)
    await expect
      .poll(() => waysOf(set))
      .toMatchObject([
        { ms: 10, used: true },
        { ms: 20, used: false },
      ])
    expect(runs).toBeGreaterThan(1)
  })

  it('is looked for a while after the answer', async () => {
    const calm = createDeferred<void>()
    const backends = [fake({ engine: 'onnx', id: 'one 1', takes: 5 }), fake({ engine: 'onnx', id: 'two 1', takes: 3 })]
    const ways = backends.map(({ backend }) => backend)
    const set = await setUp(await onnxOnly(), ways, undefined, undefined, {}, () => calm.promise)
    await set.service.install('i', URL_OF_PACK)
    await set.service.run('1', 'leaf', photo)
    await set.service.run('2', 'leaf', photo)
    expect(backends[1]?.log.created).toBe(0)
    calm.resolve()
    await expect.poll(() => waysOf(set)).toMatchObject([{ ms: expect.any(Number) }, { ms: expect.any(Number) }])
  })

  it.each([
    ['a fifth faster, which is not worth it', 8.1, 'one 1'],
    ['twice as fast', 5, 'threads 1'],
    ['slower, as on a busy phone', 19, 'one 1'],
  ])('is one on several cores only where the stopwatch finds it worth them: %s', async (_, ms, wanted) => {
    let clock = 0
    const timed = (id: string, takes: number): Backend =>
      fake({
        engine: 'onnx',
        id,
        async answer() {
          clock += takes
          return { scores: float32([1, 2], Float32Array.of(0.25, 0.75)) }
        },
      }).backend
    const backends = [timed('one 1', 10), { ...timed('threads 1', ms), sharesCores: true }]
    const pack = await onnxOnly()
    const set = await setUp(pack, backends, undefined, undefined, { now: () => clock })
    await set.service.install('i', URL_OF_PACK)
    await set.service.run('1', 'leaf', photo)
    await expect.poll(() => waysOf(set)).toMatchObject([{ ms: 10 }, { ms: expect.closeTo(ms, 6) }])
    await expect.poll(async () => (await set.service.run('2', 'leaf', photo)).backend).toBe(wanted)
    expect((await waysOf(set))?.find(({ used }) => used)?.backend).toBe(wanted)
    // Where the page is not isolated any more there is no such backend: what was found of it does no harm.
    const alone = await setUp(pack, backends.slice(0, 1), set.store)
    expect((await alone.service.run('3', 'leaf', photo)).backend).toBe('one 1')
  })

  it('is never one that answers wrongly, however fast, and never one that would cost money to try', async () => {
    const right = fake({ engine: 'onnx', id: 'right 1', takes: 5 })
    const wrong = fake({ engine: 'onnx', id: 'wrong 1', scores: [0.75, 0.25] })
    const costly = fake({ engine: 'onnx', id: 'costly 1' })
    const backends = [right.backend, wrong.backend, costly.backend]
    const isFree = async ({ id }: Backend): Promise<boolean> => id !== 'costly 1'
    const set = await setUp(await onnxOnly(), backends, undefined, undefined, { isFree })
    await set.service.install('i', URL_OF_PACK)
    for (let i = 0; i < 3; i++)
      expect(await set.service.run(String(i), 'leaf', photo)).toMatchObject({
        answer: { label: 'rust' },
        backend: 'right 1',
      })
    await expect
      .poll(() => waysOf(set))
      .toMatchObject([{ used: true }, { used: false, reason: expect.stringContaining('off by 0.5') }, { used: false }])
    expect(wrong.log.disposed).toBe(wrong.log.created)
    expect(costly.log.created).toBe(0)
  })

  it('costs no second runtime where the first can run the pack: what is not here is not raced', async () => {
    const nano = fake({ engine: 'nano', takes: 20 })
    const onnx = fake({ engine: 'onnx' })
    const set = await setUp(await syntheticPack({ files: TWO_PROGRAMS }), [nano.backend, onnx.backend])
    const { bytes } = await set.service.install('i', URL_OF_PACK)
    await set.service.run('1', 'leaf', photo)
    await set.service.run('2', 'leaf', photo)
    expect(onnx.log.created).toBe(0)
    expect(set.sent.bytes).toBe(bytes)
    expect(await waysOf(set)).toMatchObject([
      { backend: 'fake-nano 1', here: true, used: true },
      { backend: 'fake-onnx 1', here: false, used: false },
    ])
  })

  it('is none where a pack needs more memory than models may have, before a byte is fetched; a person can allow more', async () => {
    const { backend, log } = fake({ engine: 'onnx' })
    const set = await setUp(await onnxOnly(), [backend], undefined, undefined, { usualLimit: 20e6 })
    await expect(set.service.install('1', URL_OF_PACK)).rejects.toMatchObject({
      code: 'runtime/too-large',
      message: expect.stringContaining('needs 30 MB'),
      detail: { name: 'leaf', megabytes: 30, most: 20 },
    })
    expect([log.created, set.sent.bytes]).toEqual([0, 0])
    await set.service.setMemory(40e6)
    expect(await set.service.install('2', URL_OF_PACK)).toMatchObject({ state: 'ready' })
    expect(await waysOf(set)).toMatchObject([{ memory: 30e6, used: true }])
    await set.service.setMemory()
    expect(await waysOf(set)).toMatchObject([{ used: false, reason: expect.stringContaining('20 MB') }])
  })

  it('gives up the session used longest ago when there is no memory for both', async () => {
    const signer = await throwAwaySigner()
    const make = (name: string) =>
      syntheticPack({
        signer,
        name,
        edit: ({ variants }) => void variants[0]?.programs.splice(0, 1, { engine: 'onnx', model: KEEP, memory: 30e6 }),
      })
    const { backend, log } = fake({ engine: 'onnx' })
    const packs = [await make('a'), await make('b'), await make('c')] as const
    const { service, offer } = await setUp(packs[0], [backend], undefined, undefined, { usualLimit: 70e6 })
    for (const pack of packs) {
      offer(pack)
      await service.install('i', `https://hub.test/packs/${pack.manifest.name}/manifest.ndjson`)
    }
    const loads = async (...names: string[]): Promise<number> => {
      const before = log.created
      for (const name of names) await service.run('r', name, photo)
      return log.created - before
    }
    expect(await loads('a', 'b', 'a', 'c')).toBe(3)
    expect(await loads('a', 'c')).toBe(0)
    expect(await loads('b')).toBe(1)
    expect(log.created - log.disposed).toBe(2)
  })
})

describe('the queue of the worker', () => {
  it('lets a person pass what nobody waits for', async () => {
    const begun: string[] = []
    const { service } = await setUp(await syntheticPack(), [fake({ engine: 'nano' }).backend])
    await service.install('i', URL_OF_PACK)
    const ask = async (job: string, behind: boolean): Promise<void> => {
      await service.run(job, 'leaf', photo, undefined, { behind })
      begun.push(job)
    }
    await Promise.all([ask('batch 1', true), ask('batch 2', true), ask('batch 3', true), ask('person', false)])
    expect(begun).toEqual(['batch 1', 'person', 'batch 2', 'batch 3'])
  })
})

describe('a pack with a smaller variant', () => {
  const EDGE: LinkFacts = { effectiveType: '2g' }
  const FILES = { [SMALL]: noise(30_000, 7), [KEEP]: noise(120_000, 8) }
  const twoSizes = (more: object = {}) => syntheticPack({ files: FILES, ...more })

  it('answers with it first on a slow link, goes on with the full one, and says which gave each answer', async () => {
    const { service, sent } = await setUp(await twoSizes(), [fake({ engine: 'nano' }).backend], undefined, () => EDGE)
    const first = await service.install('1', URL_OF_PACK)
    expect(first).toMatchObject({ state: 'ready' })
    expect(first.have).toBe(0)
    expect(sent.bytes).toBeLessThan(35_000)
    expect(await service.run('2', 'leaf', photo)).toMatchObject({ variant: 'small-int8', threshold: 0.8 })
    expect(await service.pending()).toMatchObject([{ name: 'leaf', url: URL_OF_PACK }])

    const before = { ...sent }
    const full = await service.install('3', URL_OF_PACK)
    expect(full.have).toBe(full.bytes)
    expect(sent.bytes - before.bytes).toBe(full.bytes)
    expect(sent.requests - before.requests).toBe(1)
    expect(await service.run('4', 'leaf', photo)).toMatchObject({ variant: 'int8', threshold: 0.5 })
    expect(await service.pending()).toEqual([])
  })

  it('is left out where the link is fast or nothing is known about it', async () => {
    for (const link of [{}, { effectiveType: '4g' }]) {
      const { service, sent } = await setUp(await twoSizes(), [fake({ engine: 'nano' }).backend], undefined, () => link)
      const status = await service.install('1', URL_OF_PACK)
      expect([status.have, sent.bytes]).toEqual([status.bytes, status.bytes])
      expect(await service.open('2', 'leaf')).toMatchObject({ variant: 'int8' })
    }
  })

  it('is chosen by the link as it was measured, where the browser says nothing; a note that is none counts nothing', async () => {
    const slow = { bytesPerSecond: 3000, at: Date.now() }
    for (const [note, variant] of [
      [slow, 'small-int8'],
      [{ ...slow, at: slow.at - 2 * 86_400_000 }, 'int8'],
      [{ bytesPerSecond: 'slow', at: slow.at }, 'int8'],
    ] as const) {
      const store = createMemoryStore()
      await store.putNote('rate', JSON.stringify(note))
      const { service } = await setUp(await twoSizes(), [fake({ engine: 'nano' }).backend], store)
      await service.install('1', URL_OF_PACK)
      expect(await service.open('2', 'leaf')).toMatchObject({ variant })
    }
  })

  it('answers on when the full one is killed on its way, and when it is damaged later', async () => {
    const pack = await twoSizes()
    const { service, store } = await setUp(pack, [fake({ engine: 'nano' }).backend], undefined, () => EDGE)
    await service.install('1', URL_OF_PACK)
    const growing = service.install('2', URL_OF_PACK, () => service.cancel('2'))
    await expect(growing).rejects.toMatchObject({ name: 'AbortError' })
    expect(await service.run('3', 'leaf', photo)).toMatchObject({ variant: 'small-int8' })
    await service.install('4', URL_OF_PACK)

    const plan = pack.manifest.files.find(({ path }) => path === KEEP)
    await store.putChunk(pack.manifest.blob.chunks[plan?.chunks[1] ?? 0]?.sha256 ?? '', new Uint8Array(10))
    const later = await setUp(pack, [fake({ engine: 'nano' }).backend], store)
    expect(await later.service.run('1', 'leaf', photo)).toMatchObject({ variant: 'small-int8' })
    expect(later.sent.requests).toBe(0)
  })

  it('stays in use when the full one gives wrong answers here', async () => {
    let wrong = false
    const answer = async (): Promise<Tensors> => ({
      scores: float32([1, 2], wrong ? Float32Array.of(1, 0) : Float32Array.of(0.25, 0.75)),
    })
    const backends = [fake({ engine: 'nano', answer }).backend]
    const { service } = await setUp(await twoSizes(), backends, undefined, () => EDGE)
    await service.install('1', URL_OF_PACK)
    wrong = true
    await expect(service.install('2', URL_OF_PACK)).rejects.toMatchObject({ code: 'pack/failed-check' })
    wrong = false
    expect(await service.run('3', 'leaf', photo)).toMatchObject({ variant: 'small-int8' })
  })

  it('does not take the place of a full one that is here', async () => {
    const signer = await throwAwaySigner()
    const link = { facts: {} as LinkFacts }
    const backends = [fake({ engine: 'nano' }).backend]
    const { service, offer } = await setUp(await twoSizes({ signer }), backends, undefined, () => link.facts)
    await service.install('1', URL_OF_PACK)
    link.facts = EDGE
    const files = { [SMALL]: noise(30_000, 9), [KEEP]: noise(120_000, 10) }
    offer(await twoSizes({ signer, version: '1.1.0', files }))
    const status = await service.install('2', URL_OF_PACK)
    expect([status.version, status.have]).toEqual(['1.1.0', status.bytes])
    expect(await service.open('3', 'leaf')).toMatchObject({ variant: 'int8' })
  })

  it('goes from hand to hand alone, when the full one is not in the file', async () => {
    const pack = await twoSizes()
    const backends = [fake({ engine: 'nano' }).backend]
    const from = await setUp(pack, backends, undefined, () => EDGE)
    await from.service.install('1', URL_OF_PACK)
    const to = await setUp(pack, backends)
    await to.service.importFile('1', await from.service.exportFile('leaf'))
    expect(await to.service.run('2', 'leaf', photo)).toMatchObject({ variant: 'small-int8' })
    expect(to.sent.requests).toBe(0)
  })
})

describe('the worker keeps house', () => {
  const nano = () => [fake({ engine: 'nano' }).backend]

  it('counts what packs cost, refuses before the first byte what the budget does not cover, and obeys a person', async () => {
    const pack = await syntheticPack()
    const { service, sent } = await setUp(pack, nano())
    await service.setBudget({ perMonth: pack.blob.length / 2 })
    const needs = { bytes: pack.blob.length }
    await expect(service.install('1', URL_OF_PACK, undefined, needs)).rejects.toMatchObject({
      code: 'download/over-budget',
      detail: { bytes: pack.blob.length, left: pack.blob.length / 2 },
    })
    expect(sent.requests).toBe(0)
    await service.install('2', URL_OF_PACK, undefined, { ...needs, anyway: true })
    const { today, month, perMonth } = await service.usage()
    expect(today).toBeGreaterThanOrEqual(sent.bytes)
    expect({ month, perMonth }).toEqual({ month: today, perMonth: pack.blob.length / 2 })
    await expect(service.install('3', URL_OF_PACK)).rejects.toMatchObject({ code: 'download/over-budget' })
    await service.setBudget({})
    expect(await service.usage()).toEqual({ today, month, metered: false })
  })

  it('measures the link while something comes, and remembers it; a few bytes say nothing of it', async () => {
    const store = createMemoryStore()
    const clock = { tick: 0 }
    const open = () => openKeeping({ store, link: () => ({ effectiveType: '4g' }), tick: () => clock.tick })
    const keeping = await open()
    const bring = (bytes: number) =>
      keeping.within({}, async () => {
        for (let i = 0; i < 10; i++) {
          clock.tick += 1000
          keeping.spend(bytes / 10, 'leaf')
        }
      })
    await bring(5000)
    expect(keeping.link()).toEqual({ effectiveType: '4g' })
    await bring(100_000)
    expect(keeping.link()).toEqual({ effectiveType: '4g', bytesPerSecond: 10_000 })
    expect((await open()).link()).toMatchObject({ bytesPerSecond: 10_000 })
  })

  it('tells rate and time left, right after a restart by what an earlier life measured', async () => {
    const store = createMemoryStore()
    const clock = { tick: 0 }
    const open = () => openKeeping({ store, link: () => ({}), tick: () => clock.tick })
    const keeping = await open()
    const at = (done: number) => ({ phase: 'download', done, total: 1_000_000 }) as const
    const told: Progress[] = []
    void keeping.within({}, async () => {
      told.push(keeping.timed(at(0)))
      for (let i = 1; i <= 20; i++) {
        clock.tick += 1000
        keeping.spend(20_000, 'leaf')
      }
      told.push(keeping.timed(at(400_000)), keeping.timed({ phase: 'verify', done: 0, total: 1 }))
      // Killed here: nothing is said or done any more.
      return new Promise(() => undefined)
    })
    await expect.poll(() => told).toHaveLength(3)
    const [first, later, verify] = told
    expect([first, verify]).toEqual([at(0), { phase: 'verify', done: 0, total: 1 }])
    const rate = later?.bytesPerSecond ?? 0
    expect(rate).toBeGreaterThan(19_000)
    expect(rate).toBeLessThan(22_000)
    expect(later?.secondsLeft).toBeCloseTo(600_000 / rate)
    await expect.poll(() => store.getNote('rate')).toBeDefined()
    const again = await open()
    const restarted = await again.within({}, async () => again.timed(at(400_000)))
    expect(restarted).not.toHaveProperty('bytesPerSecond')
    expect(restarted.secondsLeft).toBeGreaterThan(25)
    expect(restarted.secondsLeft).toBeLessThan(35)
  })

  it('keeps to free links when told to, and saves data that nobody waits for', async () => {
    const pack = await syntheticPack()
    let facts: LinkFacts = { type: 'cellular' }
    const { service, sent } = await setUp(pack, nano(), undefined, () => facts)
    await service.setBudget({ unmeteredOnly: true, perDay: 1e6 })
    expect(await service.usage()).toMatchObject({ unmeteredOnly: true, perDay: 1e6, metered: true })
    await expect(service.install('1', URL_OF_PACK)).rejects.toMatchObject({ code: 'download/metered' })
    await service.setBudget({})
    facts = { saveData: true }
    const quietly = { background: true }
    await expect(service.install('2', URL_OF_PACK, undefined, quietly)).rejects.toMatchObject({
      code: 'download/metered',
    })
    expect(sent.requests).toBe(0)
    expect(await service.install('3', [URL_OF_PACK])).toMatchObject({ state: 'ready' })
  })

  describe('after an update', () => {
    /** Passes every check, and fails at a real question while the plan of the new version is loaded. */
    async function updated() {
      const signer = await throwAwaySigner()
      const first = noise(40_000, 5)
      const second = first.slice()
      second.fill(7, 100, 200)
      const old = await syntheticPack({ signer, files: { [KEEP]: first } })
      const next = await syntheticPack({ signer, version: '1.1.0', files: { [KEEP]: second } })
      const { backend } = fake({ engine: 'nano' })
      const broken = { now: false }
      const failing: Backend = {
        ...backend,
        async createSession(program, read) {
          const isNew = (await read(KEEP))[100] === 7
          const session = await backend.createSession(program, read)
          return {
            ...session,
            async run(inputs) {
              if (isNew && broken.now) throw new JikoError('runtime/failed', 'it trapped')
              return session.run(inputs)
            },
          }
        },
      }
      const store = createMemoryStore()
      const world = await setUp(old, [failing], store)
      await world.service.install('1', URL_OF_PACK)
      await world.service.run('2', 'leaf', photo)
      world.offer(next)
      await world.service.install('3', URL_OF_PACK)
      return { ...world, store, old, next, broken }
    }

    it('brings the version before back when the new one fails at what it is asked, and offers it no more', async () => {
      const { service, store, old, broken } = await updated()
      broken.now = true
      await expect(service.run('4', 'leaf', photo)).rejects.toMatchObject({ code: 'pack/rolled-back' })
      expect(await service.list()).toMatchObject([{ version: '1.0.0', digest: old.digest, state: 'ready' }])
      expect(await service.run('5', 'leaf', photo)).toMatchObject({ packDigest: old.digest })
      expect((await store.listChunks()).sort()).toEqual(old.manifest.blob.chunks.map(({ sha256 }) => sha256).sort())
      await service.check(INDEX, true)
      expect((await service.offers(INDEX)).updates).toEqual([])
    })

    it('gives the version before up once the new one has answered: then a failure is a failure', async () => {
      const { service, store, next, broken } = await updated()
      expect(await service.run('4', 'leaf', photo)).toMatchObject({ packDigest: next.digest })
      const chunks = next.manifest.blob.chunks.map(({ sha256 }) => sha256).sort()
      await expect.poll(async () => (await store.listChunks()).sort()).toEqual(chunks)
      broken.now = true
      await expect(service.run('5', 'leaf', photo)).rejects.toMatchObject({ code: expect.stringMatching(/^runtime\//) })
      expect(await service.list()).toMatchObject([{ version: '1.1.0' }])
    })

    it('gives the version before up when room is needed', async () => {
      const { service, store, next } = await updated()
      const chunks = next.manifest.blob.chunks.map(({ sha256 }) => sha256).sort()
      expect((await store.listChunks()).length).toBeGreaterThan(chunks.length)
      expect(await service.makeRoom(1)).toBeGreaterThan(0)
      expect((await store.listChunks()).sort()).toEqual(chunks)
      expect(await service.list()).toMatchObject([{ version: '1.1.0' }])
    })
  })

  it('stops in the middle when the budget runs out, keeps what came, and goes on', async () => {
    const pack = await syntheticPack({ files: { [KEEP]: noise(200_000, 4) } })
    const { service, sent } = await setUp(pack, nano())
    await service.setBudget({ perMonth: 10_000 })
    await expect(service.install('1', URL_OF_PACK)).rejects.toMatchObject({ code: 'download/over-budget' })
    expect(await service.pending()).toMatchObject([{ name: 'leaf' }])
    await service.setBudget({})
    await service.install('2', URL_OF_PACK)
    expect(await service.list()).toMatchObject([{ name: 'leaf', state: 'ready' }])
    expect(sent.bytes).toBeGreaterThan(0)
  })

  it('tells of a newer version and what it would cost: the chunks that changed', async () => {
    const signer = await throwAwaySigner()
    const first = noise(80_000, 5)
    const second = first.slice()
    second[70_000] = (second[70_000] ?? 0) ^ 1
    const old = await syntheticPack({ signer, files: { [KEEP]: first } })
    const next = await syntheticPack({ signer, version: '1.1.0', files: { [KEEP]: second } })
    const { service, sent, offer } = await setUp(old, nano())
    await service.check(INDEX, false)
    await service.install('1', URL_OF_PACK)
    expect((await service.offers(INDEX)).updates).toEqual([])
    offer(next)
    expect(await service.check(INDEX, true)).toBe(true)
    const [update] = (await service.offers(INDEX)).updates
    const changed = next.manifest.blob.chunks.filter(
      ({ sha256 }) => !old.manifest.blob.chunks.some((chunk) => chunk.sha256 === sha256),
    )
    expect(changed).toHaveLength(1)
    expect(update).toMatchObject({ version: '1.1.0', url: URL_OF_PACK, bytes: changed[0]?.length })
    const before = sent.bytes
    await service.install('2', update?.url ?? '')
    expect(sent.bytes - before).toBe(changed[0]?.length)
    expect((await service.offers(INDEX)).updates).toEqual([])
  })

  it('asks for the list once a day, or when a person wants it', async () => {
    const { service, sent, clock } = await setUp(await syntheticPack(), nano())
    expect(await service.check(INDEX, false)).toBe(true)
    expect(await service.check(INDEX, false)).toBe(false)
    expect(sent.indexes).toBe(1)
    clock.at += 86_400_001
    expect(await service.check(INDEX, false)).toBe(true)
    expect(await service.check(INDEX, true)).toBe(true)
    expect(sent.indexes).toBe(3)
    clock.at -= 10 * 86_400_000
    expect(await service.check(INDEX, false)).toBe(true)
    expect((await service.offers(INDEX)).packs).toHaveLength(1)
  })

  it('hands a pack on as a file, and believes only what is signed and whole', async () => {
    const pack = await syntheticPack()
    const from = await setUp(pack, nano())
    await from.service.install('1', URL_OF_PACK)
    const file = await from.service.exportFile('leaf')
    const to = await setUp(pack, nano())
    const bytes = new Uint8Array(await file.arrayBuffer())
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1
    await expect(to.service.importFile('1', new Blob([bytes]))).rejects.toMatchObject({ code: 'pack/corrupt' })
    await expect(to.service.importFile('2', new Blob(['words']))).rejects.toMatchObject({ code: 'pack/bad-bundle' })
    const stranger = await setUp(await syntheticPack(), nano())
    await expect(stranger.service.importFile('3', file)).rejects.toMatchObject({ code: 'pack/untrusted' })
    await to.service.importFile('4', file)
    expect(to.sent.requests).toBe(0)
    expect((await to.service.run('5', 'leaf', photo)).packDigest).toBe(pack.digest)
  })

  it('makes room for another pack by taking the least used, never one that is open, and tells which', async () => {
    const signer = await throwAwaySigner()
    const make = (name: string, seed: number) => syntheticPack({ signer, name, files: { [KEEP]: noise(50_000, seed) } })
    const packs = [await make('idle', 1), await make('busy', 2), await make('fresh', 3)] as const
    const store = createMemoryStore({ quota: 120_000 })
    const { service, offer } = await setUp(packs[0], nano(), store)
    for (const pack of packs.slice(0, 2)) {
      offer(pack)
      await service.install(pack.manifest.name, `https://hub.test/packs/${pack.manifest.name}/manifest.ndjson`)
    }
    await service.open('o', 'busy')
    offer(packs[2])
    await service.install('fresh', 'https://hub.test/packs/fresh/manifest.ndjson')
    expect((await service.list()).map(({ name }) => name).sort()).toEqual(['busy', 'fresh'])
    expect(await service.evicted()).toEqual(['idle'])
    expect(await service.makeRoom(1)).toBeGreaterThan(0)
    expect((await service.list()).map(({ name }) => name)).toEqual(['busy'])
  })
})

describe('recordings', () => {
  const recorded = () =>
    syntheticPack({
      files: { [KEEP]: noise(20_000, 3), 'rust.ar.wav': tone(0.7, 300), 'rust.sw.wav': tone(0.6, 500) },
      edit: ({ labels }) => {
        const [, rust] = labels
        if (rust) rust.clips = { ar: 'rust.ar.wav', sw: 'rust.sw.wav' }
      },
    })

  it('are in what a pack costs once a language is wanted, and in no other language', async () => {
    const pack = await recorded()
    const { service } = await setUp(pack, [fake({ engine: 'nano' }).backend])
    await service.check(INDEX, true)
    const bytes = async () => (await service.offers(INDEX)).packs[0]?.bytes ?? 0
    const without = await bytes()
    expect(await service.wantClips('sw')).toBe(true)
    expect(await service.wantClips('sw')).toBe(false)
    expect(await bytes()).toBe(without + clipBytes(pack.manifest, 'sw'))
    expect(await service.wantClips()).toBe(true)
    expect(await bytes()).toBe(without)
  })

  it('are fetched within what a person allows packs to cost, and counted', async () => {
    const pack = await recorded()
    const { service, sent } = await setUp(pack, [fake({ engine: 'nano' }).backend])
    await service.install('i', URL_OF_PACK)
    const missing = clipBytes(pack.manifest, 'sw')
    expect(await service.clips('leaf')).toMatchObject({ sw: { bytes: missing, have: 0 } })
    const { month } = await service.usage()
    await service.setBudget({ perMonth: month + missing - 1 })
    const before = sent.bytes
    const options = { bytes: missing }
    const fetched = (more = {}) =>
      service.fetchClips('f', 'leaf', 'sw', URL_OF_PACK, undefined, { ...options, ...more })
    await expect(fetched()).rejects.toMatchObject({ code: 'download/over-budget' })
    expect(sent.bytes).toBe(before)
    expect(await service.clip('leaf', { label: 'rust' }, 'sw')).toBeUndefined()
    await fetched({ anyway: true })
    expect(await service.clip('leaf', { label: 'rust' }, 'sw')).toMatchObject({ type: 'audio/wav' })
    expect((await service.usage()).month).toBeGreaterThanOrEqual(month + missing)
    // The session that was open answers on: nothing of the model is another one.
    expect((await service.run('r', 'leaf', photo)).answer).toMatchObject({ label: 'rust' })
  })
})

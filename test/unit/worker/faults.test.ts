import { describe, expect, it } from 'vitest'
import { createClips } from '../../../src/packs/clips.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import type { Pixels } from '../../../src/protocol/task.ts'
import { float32 } from '../../../src/protocol/tensor.ts'
import type { Backend } from '../../../src/runtime/backend.ts'
import { reportDevice } from '../../../src/worker/device.ts'
import { exportBlob, openBundle, openKeeping } from '../../../src/worker/keeping.ts'
import { createOffers } from '../../../src/worker/offers.ts'
import { createPackRoom } from '../../../src/worker/pack-room.ts'
import { createWorkerService } from '../../../src/worker/service.ts'
import { KEEP, type SyntheticPack, seeded, syntheticPack } from '../../helpers/synthetic-pack.ts'

const URL_OF_PACK = 'https://hub.test/packs/leaf/manifest.ndjson'
const pixels: Pixels = { width: 64, height: 64, data: new Uint8ClampedArray(64 * 64 * 4) }

type Fault = 'trap' | 'nonsense' | 'refusal' | undefined

/** A backend whose calls fail as `fault` says; the golden answer of the synthetic pack is [0.25, 0.75]. */
function faulty(engine: Backend['engine'], fault: () => Fault) {
  const log = { open: 0, most: 0, created: 0, faults: 0 }
  const failing = (): Fault => {
    const now = fault()
    if (now) log.faults += 1
    return now
  }
  const backend: Backend = {
    id: `fake-${engine} 1`,
    name: `fake-${engine} 1`,
    engine,
    async createSession() {
      // Only now and then, else nothing would ever be opened.
      if (failing() === 'refusal') throw new JikoError('runtime/session-failed', 'out of memory')
      log.created += 1
      log.open += 1
      log.most = Math.max(log.most, log.open)
      return {
        async run() {
          const now = failing()
          if (now === 'trap') throw new JikoError('runtime/run-failed', 'unreachable executed')
          return {
            scores: float32([1, 2], now === 'nonsense' ? Float32Array.of(Number.NaN, 1) : Float32Array.of(0.25, 0.75)),
          }
        },
        async dispose() {
          log.open -= 1
        },
      }
    },
  }
  return { backend, log }
}

async function setUp(pack: SyntheticPack, backends: readonly Backend[]) {
  const store = createMemoryStore()
  const answer = async (url: string, init: RequestInit): Promise<Response> => {
    if (url.endsWith('manifest.ndjson')) return new Response(pack.text)
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(new Headers(init.headers).get('range') ?? '') ?? []
    const body = pack.blob.slice(Number(from), to === '' ? undefined : Number(to) + 1)
    const range = `bytes ${from}-${Number(from) + body.length - 1}/${pack.blob.length}`
    return new Response(body, { status: 206, headers: { 'content-range': range, etag: '"1"' } })
  }
  const keeping = await openKeeping({ store, link: () => ({}) })
  const packs = await createPackRoom({
    store,
    backends,
    fetch: answer,
    makeRoom: keeping.makeRoom,
    spend: keeping.spend,
    exclusive: memoryLocks(),
    trusted: [pack.key],
    code: 'test',
  })
  const service = createWorkerService({
    packs,
    backends,
    onSpent: () => undefined,
    device: () => reportDevice(packs, store),
    clips: createClips(store),
    keeping: async () => keeping,
    offers: createOffers({
      store,
      link: { fetch: answer, spend: keeping.count },
      trusted: [pack.key],
      choose: packs.choose,
    }),
    openBundle: (file) => openBundle(file, store),
    exportFile: (name) => exportBlob(store, name),
    receive: async () => ({ input: { kind: 'image', pixels }, attachments: [] }),
    decodeToKeep: async () => pixels,
    encodePhoto: async () => [],
    encode: async () => ({ role: 'output', type: 'image/jpeg', bytes: new Uint8Array() }),
    now: () => 0,
    calm: async () => undefined,
  })
  await service.install('i', URL_OF_PACK)
  return { service }
}

const photo = new Blob(['a photo'])
/** Whose two programs are the same file, so that both are on the phone. */
const twoPrograms = (): Promise<SyntheticPack> =>
  syntheticPack({ edit: ({ variants }) => void variants[0]?.programs.push({ engine: 'onnx', model: KEEP }) })

describe('a backend that fails in the middle of a request', () => {
  it('once is given a fresh session, and the request its answer', async () => {
    let calls = 0
    // The first two calls are golden inputs, at install and at load; the third is the request.
    const { backend, log } = faulty('nano', () => (++calls === 5 ? 'trap' : undefined))
    const { service } = await setUp(await syntheticPack(), [backend])
    expect(await service.run('1', 'leaf', photo)).toMatchObject({ answer: { label: 'rust' }, backend: 'fake-nano 1' })
    expect([log.faults, log.created, log.open]).toEqual([1, 3, 1])
  })

  it('again and again is left for the next one, and from then on passed over', async () => {
    const broken = { now: false }
    const nano = faulty('nano', () => (broken.now ? 'trap' : undefined))
    const onnx = faulty('onnx', () => undefined)
    const { service } = await setUp(await twoPrograms(), [nano.backend, onnx.backend])
    await service.run('1', 'leaf', photo)
    broken.now = true
    expect(await service.run('2', 'leaf', photo)).toMatchObject({
      answer: { label: 'rust' },
      backend: 'fake-onnx 1',
    })
    const { created } = nano.log
    expect(await service.run('3', 'leaf', photo)).toMatchObject({ backend: 'fake-onnx 1' })
    expect([nano.log.created, nano.log.open, onnx.log.open]).toEqual([created, 0, 1])
  })

  it('stays the one to try where there is no other, and answers when it can again', async () => {
    const broken = { now: false }
    const { backend, log } = faulty('nano', () => (broken.now ? 'trap' : undefined))
    const { service } = await setUp(await syntheticPack(), [backend])
    await service.run('1', 'leaf', photo)
    broken.now = true
    await expect(service.run('2', 'leaf', photo)).rejects.toMatchObject({ code: expect.stringMatching(/^runtime\//) })
    broken.now = false
    expect(await service.run('3', 'leaf', photo)).toMatchObject({ backend: 'fake-nano 1' })
    expect(log.open).toBe(1)
  })

  it.each([1, 2, 3])(
    '1,000 requests with faults at random (seed %i): 1,000 answers, and never two sessions at once',
    async (seed) => {
      const random = seeded(seed)
      // At most so many in a row: who fails for ever cannot answer.
      let row = 0
      const fault = (): Fault => {
        const now =
          random() < 0.1 && row === 0 ? (['trap', 'nonsense', 'refusal'] as const)[Math.floor(3 * random())] : undefined
        row = now ? row + 1 : 0
        return now
      }
      const armed = { now: false }
      const nano = faulty('nano', () => (armed.now ? fault() : undefined))
      const onnx = faulty('onnx', () => (armed.now ? fault() : undefined))
      const { service } = await setUp(await twoPrograms(), [nano.backend, onnx.backend])
      armed.now = true
      let answered = 0
      for (let i = 0; i < 1000; i++) {
        const { answer } = await service.run(String(i), 'leaf', photo)
        if (answer.kind === 'classes' && answer.label === 'rust') answered += 1
      }
      expect(answered).toBe(1000)
      expect(nano.log.faults + onnx.log.faults).toBeGreaterThan(30)
      expect(nano.log.open + onnx.log.open).toBe(1)
      expect(Math.max(nano.log.most, onnx.log.most)).toBe(1)
    },
  )
})

import { describe, expect, it } from 'vitest'
import { withoutFaces } from '../../../src/client/ask-pack.ts'
import { openPack } from '../../../src/client/open-pack.ts'
import { createRecords } from '../../../src/client/records.ts'
import type { WorkerCall, WorkerHost } from '../../../src/client/worker-host.ts'
import { utf8 } from '../../../src/lib/bytes.ts'
import { createDeferred } from '../../../src/lib/deferred.ts'
import { sha256Hex } from '../../../src/lib/sha256.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import { parseSignedManifest } from '../../../src/protocol/manifest.ts'
import type { Moment } from '../../../src/protocol/record.ts'
import type { InstalledPack, RunResult, WorkerApi } from '../../../src/protocol/worker.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import { syntheticPack } from '../../helpers/synthetic-pack.ts'

const moment = (): Moment => ({ wall: 1_700_000_000_000, mono: 5, session: 'abc', zone: 180 })
const photo = utf8('a photo')
const result: RunResult = {
  answer: {
    kind: 'classes',
    known: true,
    label: 'rust',
    score: 0.876543,
    sure: true,
    scores: [
      { label: 'rust', score: 0.876543 },
      { label: 'healthy', score: 0.123457 },
    ],
  },
  attachments: [{ role: 'input', type: 'image/jpeg', bytes: photo, sha256: await sha256Hex(photo) }],
  packDigest: 'd'.repeat(64),
  variant: 'int8',
  backend: 'nano 1 (dot)',
  prep: '1',
  threshold: 0.5,
  decodeMs: 3,
  ms: 7,
}

type Opened = Awaited<ReturnType<WorkerApi['open']>>

/** @param opened told of every opening that it goes on; may fail, or say something else of the pack */
async function setUp(
  run: (...asked: Parameters<WorkerApi['run']>) => Promise<RunResult> = async () => result,
  opened: (pack: Opened, options: Parameters<WorkerApi['open']>[3]) => Opened | Promise<Opened> = (pack) => pack,
) {
  const { text, digest } = await syntheticPack()
  const installed: InstalledPack = {
    name: 'leaf',
    version: '1.0.0',
    digest,
    state: 'ready',
    bytes: 1,
    have: 1,
    signed: parseSignedManifest(text),
  }
  const freed = { asked: [] as number[], answer: 9000 }
  const api = {
    list: async () => [installed],
    async open(...[, name, , options]: Parameters<WorkerApi['open']>) {
      if (name !== installed.name) throw new JikoError('pack/absent', 'not here')
      const { packDigest, variant, backend } = result
      return opened({ digest: packDigest, variant, backend, manifest: installed.signed.manifest }, options)
    },
    run,
    makeRoom: async (bytes: number) => {
      freed.asked.push(bytes)
      return freed.answer
    },
  }
  const host: WorkerHost = {
    call: <T>(work: WorkerCall<T>) => work(api as unknown as Parameters<WorkerCall<T>>[0], '1', undefined),
    warm: () => undefined,
    recycle: () => undefined,
  }
  const store = await openMemoryStore()
  const written: number[] = []
  const onWritten = (): void => void written.push(1)
  return { store, host, freed, written, onWritten, records: createRecords({ store, moment, onWritten }) }
}

describe('an open pack', () => {
  it('has record and photo durable when it answers, with all that a record must name', async () => {
    const { store, host, written, onWritten, records } = await setUp()
    const pack = await openPack('leaf', { host, store, moment, onWritten }).opened
    const { answer, record } = await pack.run(new Blob([photo]))
    expect(answer).toMatchObject({ kind: 'classes', label: 'rust' })
    expect(await records.list()).toEqual([record])
    expect(record.body).toMatchObject({
      kind: 'result',
      task: 'image-classification',
      pack: { name: 'leaf', version: '1.0.0', digest: 'd'.repeat(64) },
      backend: 'nano 1 (dot)',
      answer: { label: 'rust', score: 0.8765, sure: true },
      scores: [
        ['rust', 0.8765],
        ['healthy', 0.1235],
      ],
      attachments: [{ sha256: await sha256Hex(photo), bytes: photo.length, role: 'input' }],
    })
    const kept = await records.attachment(await sha256Hex(photo))
    expect(await kept?.text()).toBe('a photo')
    expect(written).toHaveLength(1)
  })

  it('gives up packs when the device is too full for a record, and only then', async () => {
    const { store, host, onWritten, records, freed } = await setUp()
    const quota = new JikoError('storage/quota', 'full')
    let refusals = 1
    const full = {
      ...store,
      append: (...args: Parameters<typeof store.append>) =>
        refusals-- > 0 ? Promise.reject(quota) : store.append(...args),
    }
    const pack = await openPack('leaf', { host, store: full, moment, onWritten }).opened
    const { record } = await pack.run(new Blob([photo]))
    expect(await records.list()).toEqual([record])
    expect(freed.asked).toHaveLength(1)
    expect(freed.asked[0]).toBeGreaterThan(photo.length)
    freed.answer = 0
    refusals = 1
    await expect(pack.run(new Blob([photo]))).rejects.toBe(quota)
  })

  it('shows no answer when the record could not be written', async () => {
    const { store, host, written, onWritten } = await setUp()
    const full = { ...store, append: () => Promise.reject(new Error('disk full')) }
    const pack = await openPack('leaf', { host, store: full, moment, onWritten }).opened
    await expect(pack.run(new Blob([photo]))).rejects.toThrow('disk full')
    expect(written).toEqual([])
  })

  it('writes nothing when the run fails, and says which pack is not here', async () => {
    const { store, host, onWritten, records } = await setUp(() => Promise.reject(new Error('trap')))
    const options = { host, store, moment, onWritten }
    await expect((await openPack('leaf', options).opened).run(new Blob())).rejects.toThrow('trap')
    expect(await records.list()).toEqual([])
    await expect(openPack('cassava', options).opened).rejects.toMatchObject({ code: 'pack/not-installed' })
  })
})

describe('a pack that is still being opened', () => {
  const jpeg = new Blob([photo], { type: 'image/jpeg' })

  it('has what it is asked in the worker at once, and says what it was opened as', async () => {
    const opened = createDeferred<void>()
    const asked = createDeferred<void>()
    const { store, host, onWritten, records } = await setUp(
      async () => {
        asked.resolve()
        return result
      },
      (pack) => opened.promise.then(() => pack),
    )
    const opening = openPack('leaf', { host, store, moment, onWritten })
    const where = createDeferred<{ actor: string }>()
    const running = opening.run(jpeg, { circumstances: where.promise })
    await asked.promise
    expect(await records.list()).toEqual([])
    opened.resolve()
    where.resolve({ actor: 'asha' })
    const { record, pack } = await running
    expect(record.body).toMatchObject({ actor: 'asha', pack: { name: 'leaf', version: '1.0.0' } })
    expect(pack).toBe(await opening.opened)
    expect(await records.list()).toEqual([record])
  })

  it('looks at what may be sound only when it is known whether it is to be', async () => {
    const opened = createDeferred<void>()
    const asked: unknown[] = []
    const { store, host, onWritten } = await setUp(
      async (_job, _name, given) => {
        asked.push(given)
        return result
      },
      (pack) => opened.promise.then(() => pack),
    )
    const file = new Blob(['?'], { type: 'audio/ogg' })
    const running = openPack('leaf', { host, store, moment, onWritten }).run(file)
    await new Promise((done) => setTimeout(done))
    expect(asked).toEqual([])
    opened.resolve()
    await running
    expect(asked).toEqual([file])
  })

  it('is opened once more where getting it ready did not go well, or another version has answered', async () => {
    const heres: unknown[] = []
    const { store, host, onWritten } = await setUp(undefined, (pack, options) => {
      heres.push(options?.here)
      if (options?.here) throw new JikoError('pack/damaged', 'a chunk is missing')
      const version = heres.length < 4 ? '1.0.0' : '2.0.0'
      const digest = heres.length < 3 ? pack.digest : heres.length < 4 ? 'old' : pack.digest
      return { ...pack, digest, manifest: { ...pack.manifest, version } }
    })
    const deps = { host, store, moment, onWritten }
    const expected = openPack('leaf', deps, { here: true })
    await expect(expected.opened).rejects.toMatchObject({ code: 'pack/damaged' })
    expect((await expected.run(jpeg)).record.body.pack.version).toBe('1.0.0')
    const before = openPack('leaf', deps)
    expect((await before.opened).version).toBe('1.0.0')
    const { record, pack } = await before.run(jpeg)
    expect([record.body.pack.version, pack.version]).toEqual(['2.0.0', '2.0.0'])
    expect(heres).toEqual([true, undefined, undefined, undefined])
  })

  it('that is not here says so to who asks it', async () => {
    const { store, host, onWritten, records } = await setUp(() =>
      Promise.reject(new JikoError('pack/absent', 'not here')),
    )
    const opening = openPack('cassava', { host, store, moment, onWritten })
    await expect(opening.run(jpeg)).rejects.toMatchObject({ code: 'pack/not-installed', detail: { name: 'cassava' } })
    await expect(opening.opened).rejects.toMatchObject({ code: 'pack/not-installed' })
    expect(await records.list()).toEqual([])
  })
})

describe('a request', () => {
  it.each(['worker/died', 'runtime/out-of-memory'] as const)(
    'that ends by %s is asked again, and not for ever',
    async (code) => {
      let asked = 0
      const failures = { left: 2 }
      const { store, host, onWritten, records } = await setUp(async () => {
        asked += 1
        if (failures.left-- > 0) throw new JikoError(code, 'no memory')
        return result
      })
      const pack = await openPack('leaf', { host, store, moment, onWritten }).opened
      const { record } = await pack.run(new Blob([photo]))
      expect(asked).toBe(3)
      expect(await records.list()).toEqual([record])
      failures.left = 9
      await expect(pack.run(new Blob([photo]))).rejects.toMatchObject({ code })
      expect(asked).toBe(6)
    },
  )
})

describe('a photo in which faces are to be hidden', () => {
  const { attachments: _, ...seen } = result
  const by = { name: 'face-finder', version: '1.0.0', digest: 'f'.repeat(64) }

  it('has in its record how many were, and by whom', async () => {
    const { store, host, onWritten, records } = await setUp(async () => ({ ...result, faces: { hidden: 2, by } }))
    await (await openPack('leaf', { host, store, moment, onWritten }).opened).run(new Blob([photo]))
    expect((await records.list())[0]?.body.faces).toEqual({ hidden: 2, by })
  })

  it('is not there where nobody could look: the answer is, and says why', async () => {
    const unkept = { ...seen, attachments: [], faces: { unkept: 'pack/absent' } }
    const { store, host, onWritten, records } = await setUp(async () => unkept)
    const { answer } = await (await openPack('leaf', { host, store, moment, onWritten }).opened).run(new Blob([photo]))
    expect(answer).toMatchObject({ label: 'rust' })
    const [record] = await records.list()
    expect(record?.body).toMatchObject({ attachments: [], faces: { unkept: 'pack/absent' } })
    expect(await store.waitingAttachments(9)).toEqual([])
  })

  it('is not looked at again by a worker that may have ended of it twice', async () => {
    const blind: unknown[] = []
    const { store, host, onWritten } = await setUp(async (_job, _name, _given, _onText, options) => {
      blind.push(options?.blind)
      if (!options?.blind) throw new JikoError('worker/died', 'out of memory')
      return { ...seen, attachments: [], faces: { unkept: 'worker/died' } }
    })
    const { record } = await (await openPack('leaf', { host, store, moment, onWritten }).opened).run(new Blob([photo]))
    expect(blind).toEqual([undefined, undefined, true])
    expect(record.body.faces).toEqual({ unkept: 'worker/died' })
  })

  it('goes from its record when a person sees a face in it, and nothing else does', async () => {
    const { store, host, onWritten, written, records } = await setUp(async () => ({
      ...result,
      faces: { hidden: 1, by },
    }))
    const { record } = await (await openPack('leaf', { host, store, moment, onWritten }).opened).run(new Blob([photo]))
    await records.correct(record.id, { label: 'phoma', 'form.trees': 3 })
    const next = await records.removePhoto(record.id)
    const [entry, ...others] = await records.list()
    expect(others).toEqual([])
    expect(entry).toMatchObject({ id: next, corrected: 'phoma', fields: { 'form.trees': 3 }, state: 'local' })
    const { attachments: __, faces: ___, ...was } = record.body
    expect(entry?.body).toEqual({ ...was, attachments: [], faces: { hidden: 1, by, unkept: 'person' } })
    expect(await records.attachment(await sha256Hex(photo))).toBeUndefined()
    expect(await store.waitingAttachments(9)).toEqual([])
    expect(written).toHaveLength(3)
    await expect(records.removePhoto(record.id)).rejects.toMatchObject({ code: 'log/unknown-record' })
  })

  describe('waits for somebody to look at it', () => {
    const hiding = async () => {
      const made = await setUp(async () => ({ ...result, faces: { hidden: 1, by } }))
      const pack = await openPack('leaf', { host: made.host, store: made.store, moment, onWritten: made.onWritten })
        .opened
      const waiting = async (which?: 'unseen') => (await made.store.waitingAttachments(9, which)).length
      return { ...made, pack, waiting }
    }

    it('and is sent then, which is told once', async () => {
      const { pack, records, waiting, written } = await hiding()
      const { record } = await pack.run(new Blob([photo]))
      expect([await waiting(), await waiting('unseen'), await records.unseen()]).toEqual([0, 1, [record.id]])
      await records.seen([record.id])
      expect([await waiting(), await waiting('unseen'), await records.unseen()]).toEqual([1, 0, []])
      await records.seen([record.id])
      await records.seen()
      expect(written).toHaveLength(2)
    })

    it('or takes it away, unsent; to have looked at what is gone is nothing', async () => {
      const { pack, records, waiting } = await hiding()
      const { record } = await pack.run(new Blob([photo]))
      await records.removePhoto(record.id)
      await records.seen([record.id, 'nonsense'])
      expect([await waiting(), await waiting('unseen'), await records.unseen()]).toEqual([0, 0, []])
    })

    it('each by itself, whoever made it, or all', async () => {
      let shot = 0
      const { store, host, onWritten, records } = await setUp(async () => {
        const bytes = utf8(`photo ${shot++}`)
        return {
          ...result,
          attachments: [{ role: 'input', type: 'image/jpeg', bytes, sha256: await sha256Hex(bytes) }],
          faces: { hidden: 0, by },
        }
      })
      const pack = await openPack('leaf', { host, store, moment, onWritten }).opened
      const ids: string[] = []
      for (const actor of ['asha', 'juma', undefined]) {
        const { record } = await pack.run(new Blob([photo]), { circumstances: actor === undefined ? {} : { actor } })
        ids.push(record.id)
      }
      const [ofAsha, ofJuma, ofNobody] = ids
      expect(await records.unseen()).toEqual([ofNobody, ofJuma, ofAsha])
      expect(await records.unseen({ actor: 'asha' })).toEqual([ofNobody, ofAsha])
      await records.seen([])
      await records.seen([ofJuma ?? ''])
      expect(await records.unseen()).toEqual([ofNobody, ofAsha])
      await records.seen()
      expect(await records.unseen()).toEqual([])
      expect(await store.waitingAttachments(9)).toHaveLength(3)
    })

    it('but not where nobody will, alone or among many, nor where no faces were looked for', async () => {
      const { pack, waiting, records } = await hiding()
      await pack.run(new Blob([photo]), { seen: true })
      for await (const _ of pack.runAll([new Blob([photo])], { seen: true }));
      expect([await waiting(), await waiting('unseen')]).toEqual([1, 0])
      for (const { id } of await records.list()) await records.erase(id)
      for await (const _ of pack.runAll([new Blob([photo])]));
      expect([await waiting(), await waiting('unseen')]).toEqual([0, 1])
      const { store, host, onWritten } = await setUp()
      await (await openPack('leaf', { host, store, moment, onWritten }).opened).run(new Blob([photo]))
      expect(await store.waitingAttachments(9)).toHaveLength(1)
    })
  })

  it('of a form is given back without them, or with the reason why not', async () => {
    const picture = { role: 'input' as const, type: 'image/jpeg', bytes: photo }
    const api = (kept: unknown): WorkerHost => ({
      call: async (work) => work({ hideFaces: async () => kept } as never, '1', undefined),
      warm: () => undefined,
      recycle: () => undefined,
    })
    const hidden = await withoutFaces(api({ attachments: [picture], faces: { hidden: 3 } }), 'face-finder', new Blob())
    expect([hidden.hidden, await hidden.photo.text(), hidden.photo.type]).toEqual([3, 'a photo', 'image/jpeg'])
    await expect(
      withoutFaces(api({ attachments: [], faces: { unkept: 'pack/absent' } }), 'face-finder', new Blob()),
    ).rejects.toMatchObject({ code: 'input/faces', detail: { why: 'pack/absent' } })
  })
})

describe('many at once', () => {
  const photos = ['good', 'no photo', 'good'].map((name) => new Blob([name]))

  it('are answered in order behind what a person asks, each durable when it is told; a bad one stops nothing', async () => {
    const behind: unknown[] = []
    const { store, host, onWritten, records } = await setUp(async (_job, _name, given, _onText, options) => {
      behind.push(options?.behind)
      if ((await (given as Blob).text()) === 'good') return result
      throw new JikoError('input/not-an-image', 'words')
    })
    const pack = await openPack('leaf', { host, store, moment, onWritten }).opened
    const told: unknown[] = []
    for await (const done of pack.runAll(photos)) {
      told.push(['record' in done ? 'answered' : done.error.code, done.at, (await records.list()).length])
    }
    expect(told).toEqual([
      ['answered', 0, 1],
      ['input/not-an-image', 1, 1],
      ['answered', 2, 2],
    ])
    expect(behind).toEqual([true, true, true])
    await pack.run(photos[0] as Blob)
    expect(behind.at(-1)).toBeUndefined()
  })

  it('end where the device cannot, and where a person stops', async () => {
    let asked = 0
    const { store, host, onWritten, records } = await setUp(async () => {
      asked += 1
      if (asked === 3) throw new JikoError('runtime/no-backend', 'nothing runs it')
      return result
    })
    const pack = await openPack('leaf', { host, store, moment, onWritten }).opened
    const drain = async (controller?: AbortController) => {
      for await (const { at } of pack.runAll(photos, controller && { signal: controller.signal })) {
        if (at === 0) controller?.abort()
      }
    }
    await expect(drain(new AbortController())).rejects.toMatchObject({ name: 'AbortError' })
    expect(asked).toBe(1)
    await expect(drain()).rejects.toMatchObject({ code: 'runtime/no-backend' })
    expect(await records.list()).toHaveLength(2)
    for await (const _ of pack.runAll(photos)) break
    expect(asked).toBe(4)
  })
})

describe('records', () => {
  it('lay the newest correction over the answer, based on the one before it', async () => {
    const { store, host, onWritten, records } = await setUp()
    const pack = await openPack('leaf', { host, store, moment, onWritten }).opened
    const { record } = await pack.run(new Blob([photo]))
    await records.correct(record.id, { label: 'healthy' })
    await records.correct(record.id, { label: 'phoma' })
    expect(await records.list()).toMatchObject([
      { id: record.id, corrected: 'phoma', body: { answer: { label: 'rust' } } },
    ])
    const [second, first] = await store.list({ kind: 'correction' })
    expect(second?.body).toMatchObject({ base: [`${first?.stream}/${first?.seq}`] })
    await expect(records.correct('nonsense', { label: 'rust' })).rejects.toMatchObject({ code: 'log/unknown-record' })
  })

  it('say who and where when that was said, alone and among many, and can be read by person', async () => {
    const { store, host, onWritten, records } = await setUp()
    const pack = await openPack('leaf', { host, store, moment, onWritten }).opened
    const place = { latitude: -1.28, longitude: 36.82, accuracy: 12 }
    const { record } = await pack.run(new Blob([photo]), { circumstances: { actor: 'asha', place } })
    expect(record.body).toMatchObject({ actor: 'asha', place })
    const circumstances = (at: number) => ({ actor: 'juma', batch: { id: 'b', at } })
    for await (const _ of pack.runAll([new Blob([photo])], { circumstances }));
    const [juma] = await records.list({ actor: 'juma' })
    expect(juma?.body).toMatchObject({ actor: 'juma', batch: { id: 'b', at: 0 } })
    expect(juma?.body.place).toBeUndefined()
    expect(await records.list()).toHaveLength(2)
  })

  it('hold what was said beside the answer, field by field, and notes', async () => {
    const { store, host, written, onWritten, records } = await setUp()
    const pack = await openPack('leaf', { host, store, moment, onWritten }).opened
    const { record } = await pack.run(new Blob([photo]))
    await records.correct(record.id, { 'form.trees': 12, 'form.shade': true }, { actor: 'asha' })
    await records.correct(record.id, { 'form.trees': 14 })
    await records.correct(record.id, { 'form.shade': null, label: 'healthy' })
    await records.note(record.id, 'By the river', { actor: 'asha' })
    expect(await records.list()).toMatchObject([
      { corrected: 'healthy', fields: { 'form.trees': 14 }, notes: ['By the river'] },
    ])
    expect((await records.list())[0]?.fields).toEqual({ 'form.trees': 14 })
    expect((await store.list({ kind: 'note' }))[0]?.body).toMatchObject({ actor: 'asha' })
    expect(written).toHaveLength(5)
    await expect(records.note('nonsense', 'x')).rejects.toMatchObject({ code: 'log/unknown-record' })
    await expect(records.note(record.id, 'x'.repeat(4001))).rejects.toMatchObject({ code: 'log/bad-record' })
  })

  it('keep the photos of a form as attachments, and let go of them and of all that was said with the record', async () => {
    const { store, host, onWritten, records } = await setUp()
    const pack = await openPack('leaf', { host, store, moment, onWritten }).opened
    const { record } = await pack.run(new Blob([photo]))
    const tree = new Blob(['the tree'], { type: 'image/jpeg' })
    await records.correct(record.id, { 'form.trees': 3 }, { files: { 'form.tree': tree } })
    const sha256 = await sha256Hex(utf8('the tree'))
    expect((await records.list())[0]?.fields).toEqual({ 'form.tree': sha256, 'form.trees': 3 })
    expect(await (await records.attachment(sha256))?.text()).toBe('the tree')
    expect((await store.waitingAttachments(10)).map((one) => one.sha256)).toContain(sha256)
    await records.note(record.id, 'of Asha')
    await records.erase(record.id)
    expect(await records.list()).toEqual([])
    expect(await records.attachment(sha256)).toBeUndefined()
    expect(await store.list({ kind: 'note' })).toEqual([])
    expect(await store.list({ kind: 'erase' })).toHaveLength(3)
  })
})

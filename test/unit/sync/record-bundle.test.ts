import { beforeEach, describe, expect, it } from 'vitest'
import { concat, utf8 } from '../../../src/lib/bytes.ts'
import { UNSEEN_MS } from '../../../src/store/store.ts'
import { replayRecordBundle, writeRecordBundle } from '../../../src/sync/record-bundle.ts'
import { photo, result, resultWith } from '../store/samples.ts'
import { createPhone, createTestHub, type Phone, PROGRAM, type TestHub } from './world.ts'

let hub: TestHub
let phone: Phone
beforeEach(async () => {
  hub = await createTestHub()
  phone = await createPhone(hub)
})

async function bundleOf({ store }: Phone, wall = 1_790_000_000_000): Promise<Blob> {
  const moment = () => ({ wall, mono: 1, session: 'run' })
  const parts: Uint8Array<ArrayBuffer>[] = []
  for await (const part of writeRecordBundle({ store, program: PROGRAM, app: 'test', moment })) parts.push(part)
  return new Blob(parts)
}

const carry = (file: Blob, to: TestHub) =>
  replayRecordBundle(file, ({ path, body, ...init }) =>
    to.hub.fetch(new Request(`http://hub.test${path}`, { ...init, body })),
  )

/** What a hub has, but for when it came. */
async function stateOf({ store }: TestHub) {
  const streams = await store.streams(PROGRAM)
  const lines = await Promise.all(streams.map(({ stream }) => store.lines(PROGRAM, stream, 1, 10_000)))
  const said = lines.flat().map(({ line, hash, verdict }) => ({ line, hash, verdict }))
  return { streams, lines: said, totals: await store.totals(PROGRAM) }
}

describe('a bundle of records', () => {
  it('brings a hub to the same state as a push, once however often it is carried, and the phone believes only the hub', async () => {
    const file = await photo(1, 30_000)
    await phone.store.append(resultWith(file), [file])
    for (let i = 0; i < 700; i++) await phone.store.append(result(`label ${i}`))
    const bundle = await bundleOf(phone)
    const pushed = await createTestHub()
    expect(await carry(bundle, hub)).toEqual({ taken: 2, refused: 0 })
    const once = await stateOf(hub)
    expect(await carry(bundle, hub)).toEqual({ taken: 2, refused: 0 })
    expect(await stateOf(hub)).toEqual(once)

    expect(await phone.sync.status()).toMatchObject({ local: 701, allSent: false })
    const copy = await createPhone(pushed, { disk: phone.disk.copy() })
    await copy.sync.now()
    const { streams, ...rest } = await stateOf(pushed)
    expect({ lines: once.lines, totals: once.totals }).toEqual(rest)
    expect(once.streams.map(({ tip, hash }) => [tip, hash])).toEqual(streams.map(({ tip, hash }) => [tip, hash]))

    expect(await phone.sync.now()).toMatchObject({ final: 701, allSent: true })
    expect(phone.link.seen.filter(({ method }) => method === 'PATCH')).toEqual([])
    expect((await bundleOf(phone)).size).toBe(8)
  })

  it('has no photo that somebody is to look at first; where no hub is ever reached, it has it after six hours', async () => {
    const file = { ...(await photo(1, 30_000)), unseen: true }
    await phone.store.append(resultWith(file), [file])
    expect(await carry(await bundleOf(phone), hub)).toEqual({ taken: 1, refused: 0 })
    expect((await hub.store.namedBlob(PROGRAM, file.sha256))?.whole).toBe(false)
    expect(await carry(await bundleOf(phone, 1_790_000_000_000 + UNSEEN_MS), hub)).toEqual({ taken: 2, refused: 0 })
    expect((await hub.store.namedBlob(PROGRAM, file.sha256))?.whole).toBe(true)
  })

  it('takes over from an upload that was broken off', async () => {
    const file = await photo(1, 30_000)
    await phone.store.append(resultWith(file), [file])
    const bundle = await bundleOf(phone)
    let pieces = 0
    phone.link.weather = ({ method }) =>
      method === 'PATCH' && ++pieces > 1 ? () => Promise.reject(new TypeError('fetch failed')) : undefined
    await phone.sync.now()
    expect(await hub.store.namedBlob(PROGRAM, file.sha256)).toMatchObject({ whole: false })
    expect(await carry(bundle, hub)).toEqual({ taken: 2, refused: 0 })
    expect(await hub.store.namedBlob(PROGRAM, file.sha256)).toMatchObject({ whole: true })
  })

  it('that is changed, cut or something else is refused, with a word on where', async () => {
    await phone.store.append(result())
    const bundle = new Uint8Array(await (await bundleOf(phone)).arrayBuffer())
    const changed = bundle.slice()
    changed[changed.length - 20] = (changed[changed.length - 20] ?? 0) ^ 1
    expect(await carry(new Blob([changed]), hub)).toEqual({ taken: 0, refused: 1 })
    const foreign = utf8(JSON.stringify({ method: 'POST', path: '/hub/admin', headers: {} }))
    const lengths = Uint8Array.of(0, 0, 0, foreign.length, 0, 0, 0, 0)
    for (const bytes of [
      new Uint8Array(0),
      utf8('JIKOPACK'),
      bundle.slice(0, bundle.length - 1),
      bundle.slice(0, 12),
      concat(bundle, Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0)),
      concat(bundle.slice(0, 8), lengths, foreign),
      concat(bundle.slice(0, 8), Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0, 255)),
    ]) {
      await expect(carry(new Blob([bytes]), hub)).rejects.toMatchObject({ code: 'sync/bad-bundle' })
    }
    expect(await hub.records()).toHaveLength(1)
  })
})

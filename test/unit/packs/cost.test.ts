import { describe, expect, it } from 'vitest'
import { allowance, createSpender, isMetered } from '../../../src/packs/budget.ts'
import { costOf, secondsFor } from '../../../src/packs/cost.ts'
import { createInstaller } from '../../../src/packs/install.ts'
import { openLedger } from '../../../src/packs/ledger.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { createRateMeter } from '../../../src/packs/rate.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { createStaticSite } from '../../helpers/static-site.ts'
import { syntheticPack } from '../../helpers/synthetic-pack.ts'

const pack = await syntheticPack()
const { manifest } = pack
const planBytes = (manifest.files[0]?.chunks ?? []).reduce((sum, i) => sum + (manifest.blob.chunks[i]?.length ?? 0), 0)

describe('what a pack will cost', () => {
  it('counts what is missing of what is needed', async () => {
    const store = createMemoryStore()
    expect(await costOf(manifest, { store })).toEqual({ bytes: planBytes, total: planBytes, fits: true })
    const [chunk] = manifest.blob.chunks
    await store.putChunk(chunk?.sha256 ?? '', pack.chunkBytes[0] ?? new Uint8Array())
    expect((await costOf(manifest, { store })).bytes).toBe(planBytes - (chunk?.length ?? 0))
    const all = await costOf(manifest, { store, choose: ({ files }) => files.map(({ path }) => path) })
    expect(all.total).toBe(manifest.blob.length)
  })

  it('says how long and whether it fits, as far as the browser tells', async () => {
    const store = createMemoryStore()
    const estimate = async () => ({ usage: 1_000_000, quota: 1_000_000 + planBytes })
    const tight = await costOf(manifest, { store, estimate, link: { bytesPerSecond: planBytes / 10, rtt: 500 } })
    expect(tight).toMatchObject({ free: planBytes, fits: false, seconds: 11 })
    const unknown = await costOf(manifest, { store, estimate: () => Promise.reject(new Error('no')) })
    expect(unknown).toEqual({ bytes: planBytes, total: planBytes, fits: true })
  })

  it('believes its own measurement, then the figure, then the class of the link', () => {
    expect(secondsFor(1000, { bytesPerSecond: 100, downlink: 10, effectiveType: '4g' })).toBe(10)
    expect(secondsFor(125_000, { downlink: 0.1, effectiveType: '4g' })).toBe(10)
    expect(secondsFor(60_000, { effectiveType: '2g' })).toBe(10)
    expect(secondsFor(1000, {})).toBeUndefined()
    expect(secondsFor(0, {})).toBe(0)
  })
})

describe('rate', () => {
  it('follows the link over the last seconds and falls while nothing comes', () => {
    let at = 0
    const rate = createRateMeter(() => at, 10_000)
    expect(rate.bytesPerSecond()).toBeUndefined()
    for (; at < 20_000; at += 500) rate.add(1000)
    expect(rate.bytesPerSecond()).toBeGreaterThan(1800)
    expect(rate.bytesPerSecond()).toBeLessThan(2300)
    at += 5000
    expect(rate.bytesPerSecond()).toBeLessThan(1200)
    at += 60_000
    expect(rate.bytesPerSecond()).toBe(0)
  })
})

describe('ledger and budget', () => {
  const noon = new Date(2026, 10, 23, 12).getTime()
  const day = 86_400_000

  it('keeps every byte by day and pack, over restarts', async () => {
    const notes = createMemoryStore()
    let at = noon
    const ledger = await openLedger(notes, () => at)
    ledger.add(1000, 'leaf')
    ledger.add(500, 'bean')
    at += day
    ledger.add(100_000, 'leaf')
    await ledger.flush()
    const again = await openLedger(notes, () => at)
    expect(again.days()).toEqual({ '2026-11-23': { leaf: 1000, bean: 500 }, '2026-11-24': { leaf: 100_000 } })
    expect([again.today(), again.thisMonth()]).toEqual([100_000, 101_500])
    at = new Date(2026, 11, 1).getTime()
    expect([again.today(), again.thisMonth()]).toEqual([0, 0])
  })

  it('adds up what two tabs wrote', async () => {
    const notes = createMemoryStore()
    const a = await openLedger(notes, () => noon)
    const b = await openLedger(notes, () => noon)
    a.add(1, 'leaf')
    await a.flush()
    b.add(2, 'leaf')
    await b.flush()
    expect(b.today()).toBe(3)
    await a.refresh()
    expect(a.today()).toBe(3)
  })

  it('starts anew when the note is damaged, and forgets days long past', async () => {
    const notes = createMemoryStore()
    for (const bad of ['{"2026-11-23":{"leaf":"many"}}', 'null', 'not json']) {
      await notes.putNote('ledger', bad)
      expect((await openLedger(notes, () => noon)).days()).toEqual({})
    }
    let at = noon
    const ledger = await openLedger(notes, () => at)
    for (let i = 0; i < 100; i++, at += day) ledger.add(1, 'leaf')
    await ledger.flush()
    expect(Object.keys(ledger.days())).toHaveLength(62)
  })

  it('knows what is left and which links cost money', async () => {
    const used = { today: () => 70, thisMonth: () => 900 }
    expect(allowance({}, used)).toBe(Number.POSITIVE_INFINITY)
    expect(allowance({ perDay: 100 }, used)).toBe(30)
    expect(allowance({ perDay: 100, perMonth: 910 }, used)).toBe(10)
    expect(allowance({ perDay: 50 }, used)).toBe(0)
    expect([
      isMetered({ type: 'cellular' }),
      isMetered({ saveData: true }),
      isMetered({ effectiveType: '2g' }),
    ]).toEqual([true, true, true])
    expect([isMetered({ type: 'wifi', effectiveType: '3g' }), isMetered({})]).toEqual([false, false])
  })

  it('stops an install at the budget, and goes on the next day where it stopped', async () => {
    const site = createStaticSite()
    site.publish('/packs/leaf/', pack)
    const store = createMemoryStore()
    let at = noon
    const ledger = await openLedger(store, () => at)
    const installer = createInstaller({
      store,
      exclusive: memoryLocks(),
      trusted: [pack.key],
      // Small pieces, so that the budget is crossed in the middle.
      fetch: async (url, init) => inPieces(await site.fetch(url, init)),
      sleep: async () => undefined,
      spend: createSpender({ budget: () => ({ perDay: 25_000 }), ledger }),
    })
    const url = 'https://hub.test/packs/leaf/'
    await expect(installer.install(url)).rejects.toMatchObject({ code: 'download/over-budget' })
    expect(ledger.today()).toBeGreaterThanOrEqual(25_000)
    expect(ledger.today()).toBeLessThan(26_100)
    expect(await store.listPending()).toEqual(['leaf'])
    await expect(installer.install(url)).rejects.toMatchObject({ code: 'download/over-budget' })
    at += day
    await expect(installer.install(url)).rejects.toMatchObject({ code: 'download/over-budget' })
    at += day
    expect(await installer.install(url)).toMatchObject({ state: 'ready' })
    await ledger.flush()
    expect(Object.keys(ledger.days()['2026-11-23'] ?? {})).toEqual(['', 'leaf'])
  })

  it('stops on a metered link when only free ones may be used', async () => {
    const ledger = await openLedger(createMemoryStore(), () => noon)
    let link = { type: 'wifi' }
    const spend = createSpender({ budget: () => ({ unmeteredOnly: true }), ledger, link: () => link })
    spend(10, 'leaf')
    link = { type: 'cellular' }
    expect(() => spend(10, 'leaf')).toThrow(expect.objectContaining({ code: 'download/metered' }))
    expect(ledger.today()).toBe(20)
  })
})

function inPieces(response: Response, size = 1000): Response {
  const source = response.body
  if (!source) return response
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      for (let at = 0; at < piece.length; at += size) controller.enqueue(piece.subarray(at, at + size))
    },
  })
  return new Response(source.pipeThrough(cut), response)
}

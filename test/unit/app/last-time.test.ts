import { describe, expect, it } from 'vitest'
import { createLastTime } from '../../../src/app/state/last-time.ts'
import { createPacks } from '../../../src/app/state/packs.ts'
import { createFakeKit } from '../../helpers/fake-kit.ts'

function createStorage(full = false) {
  const kept = new Map<string, string>()
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    removeItem: (key: string) => void kept.delete(key),
    setItem(key: string, value: string) {
      if (full) throw new DOMException('full', 'QuotaExceededError')
      kept.set(key, value)
    },
  }
}

describe('what the app knew last time', () => {
  it('is the list of packs, shown before it is read again, and drawn again only when it has changed', async () => {
    const storage = createStorage()
    await createPacks(createFakeKit(), undefined, createLastTime(storage, 'build 1')).refresh()
    const packs = createPacks(createFakeKit(), undefined, createLastTime(storage, 'build 1'))
    const drawn: unknown[] = []
    packs.offers.subscribe((offers) => drawn.push(offers))
    expect(packs.offers.value?.[0]?.name).toBe('coffee-leaf')
    const before = drawn.length
    await packs.refresh()
    expect(drawn).toHaveLength(before)
    const changed = createPacks(
      createFakeKit({ pack: { state: 'ready' } }),
      undefined,
      createLastTime(storage, 'build 1'),
    )
    await changed.refresh()
    expect(changed.offers.value?.[0]?.state).toBe('ready')
    expect(createLastTime(storage, 'build 1').offers()?.[0]?.state).toBe('ready')
  })

  it('is nothing when another build of the app wrote it, or nobody did, or it is cut short', async () => {
    const storage = createStorage()
    expect(createLastTime(storage, 'build 1').offers()).toBeUndefined()
    await createPacks(createFakeKit(), undefined, createLastTime(storage, 'build 1')).refresh()
    expect(createLastTime(storage, 'build 2').offers()).toBeUndefined()
    storage.kept.set('jiko-packs', storage.kept.get('jiko-packs')?.slice(0, 40) ?? '')
    expect(createLastTime(storage, 'build 1').offers()).toBeUndefined()
  })

  it('is lost on a full device, and nothing else is', async () => {
    const lastTime = createLastTime(createStorage(true), 'build 1')
    const packs = createPacks(createFakeKit(), undefined, lastTime)
    await packs.refresh()
    lastTime.keepPack('coffee-leaf')
    expect(packs.listError.value).toBeUndefined()
    expect(packs.offers.value).toHaveLength(1)
    expect(lastTime.pack()).toBeUndefined()
  })

  it('is the pack that was asked last, until one is asked that costs much to get ready', () => {
    const lastTime = createLastTime(createStorage(), 'build 1')
    lastTime.keepPack('coffee-leaf')
    expect(lastTime.pack()).toBe('coffee-leaf')
    lastTime.keepPack(undefined)
    expect(lastTime.pack()).toBeUndefined()
  })

  it('is home, until a PIN is to be asked for first: then no answer brings it back', () => {
    const lastTime = createLastTime(createStorage(), 'build 1')
    lastTime.keepAnswers()
    expect(lastTime.home()).toBeUndefined()
    lastTime.keepHome({ answers: false })
    expect(lastTime.home()).toEqual({ answers: false })
    lastTime.keepAnswers()
    expect(lastTime.home()).toEqual({ answers: true })
    lastTime.keepHome(undefined)
    lastTime.keepAnswers()
    expect(lastTime.home()).toBeUndefined()
  })
})

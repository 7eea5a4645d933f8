import { describe, expect, it } from 'vitest'
import { createPacks, isTask, packState } from '../../../src/app/state/packs.ts'
import type { PackOffer } from '../../../src/client/kit.ts'
import { createFakeKit, type FakeOptions } from '../../helpers/fake-kit.ts'

async function setUp(options: FakeOptions = {}) {
  const packs = createPacks(createFakeKit(options))
  await packs.refresh()
  const offer = packs.offers.value?.[0]
  if (!offer) throw new Error('the fake offers a pack')
  return { packs, offer }
}

describe('what is a task', () => {
  const offer = (name: string, more: Partial<PackOffer> = {}): PackOffer => ({
    ...{ name, version: '1.0.0', digest: '', state: 'ready', bytes: 1, have: 1, url: '' },
    ...{ title: { en: name }, description: { en: name } },
    ...more,
  })
  const tasks = (...offers: PackOffer[]): string[] => offers.filter(isTask(offers)).map(({ name }) => name)
  const finder = { name: 'faces', ready: true, bytes: 0 }

  it('is every pack but those that only find faces for another', () => {
    expect(tasks(offer('leaf', { finder }), offer('faces'))).toEqual(['leaf'])
    expect(tasks(offer('leaf'), offer('faces'))).toEqual(['leaf', 'faces'])
    expect(tasks(offer('faces', { finder }))).toEqual(['faces'])
  })

  it('is such a pack too while there is a newer one of it', () => {
    const update = { version: '1.1.0', bytes: 5, begun: false }
    expect(tasks(offer('leaf', { finder }), offer('faces', { update }))).toEqual(['leaf', 'faces'])
  })
})

describe('packs', () => {
  it('go from absent over downloading to ready, and never back in between', async () => {
    const { packs, offer } = await setUp()
    const states: string[] = []
    const note = (): void => {
      const now = packs.offers.value?.[0]
      if (now) states.push(packState(now, packs.jobs.value[now.name]))
    }
    packs.offers.subscribe(note)
    packs.jobs.subscribe(note)
    await packs.install(offer)
    expect(states.filter((state, i) => state !== states[i - 1])).toEqual(['absent', 'downloading', 'ready'])
  })

  it('say why a download failed, and what is left of it', async () => {
    const { packs, offer } = await setUp({ installError: 'download/http' })
    await packs.install(offer)
    expect(packs.jobs.value['coffee-leaf']?.error).toMatchObject({ code: 'download/http' })
    expect(packs.offers.value?.[0]?.have).toBeGreaterThan(0)
  })

  it('stop when told to, without an error', async () => {
    const { packs, offer } = await setUp({ delay: Number.POSITIVE_INFINITY })
    const done = packs.install(offer)
    await expect.poll(() => packs.jobs.value['coffee-leaf']?.progress?.done).toBeGreaterThan(0)
    packs.cancel('coffee-leaf')
    await done
    expect(packs.jobs.value['coffee-leaf']).toBeUndefined()
  })

  it('go on by themselves at the start, but not when a person stopped them', async () => {
    const begun = { state: 'downloading', have: 1000 } as const
    for (const [pack, installs] of [
      [begun, 1],
      [{ ...begun, paused: true }, 0],
      [{ state: 'ready', update: { version: '1.1.0', bytes: 5, begun: true } }, 1],
      [{ state: 'ready', update: { version: '1.1.0', bytes: 5, begun: false } }, 0],
      [{ state: 'absent' }, 0],
    ] as const) {
      const kit = createFakeKit({ pack })
      await createPacks(kit).start()
      expect(kit.calls.filter((call) => call.startsWith('install'))).toHaveLength(installs)
      expect(kit.calls).toContain('check')
    }
  })

  it('go on to the full variant by themselves once the smaller one answers', async () => {
    const kit = createFakeKit()
    const calls: string[] = []
    const [absent] = await kit.packs.list()
    if (!absent) throw new Error('the fake offers a pack')
    const small = { ...absent, state: 'ready', update: { version: '1.0.0', bytes: 300_000, begun: true } } as const
    const whole = { ...absent, state: 'ready' } as const
    const packs = createPacks({
      packs: {
        ...kit.packs,
        list: async () => [calls.length === 0 ? absent : calls.length === 1 ? small : whole],
        install: async (url) => {
          calls.push(String(url))
          return whole
        },
      },
    })
    await packs.refresh()
    await packs.install(absent)
    await expect.poll(() => packs.offers.value?.[0]?.update).toBeUndefined()
    expect(calls).toEqual([absent.url, absent.url])
  })

  it('do not complain when the full variant is held back, and bring it when a person says so', async () => {
    for (const code of ['download/metered', 'download/over-budget'] as const) {
      const pack = { state: 'ready', update: { version: '1.0.0', bytes: 300_000, begun: true } } as const
      const kit = createFakeKit({ pack, installError: code })
      const packs = createPacks(kit)
      await packs.start()
      expect(kit.calls).toContain('install packs/coffee-leaf/ in the background')
      expect(packs.jobs.value).toEqual({})
      const offer = packs.offers.value?.[0]
      if (!offer) throw new Error('the fake offers a pack')
      await packs.install(offer)
      expect(packs.jobs.value[offer.name]?.error).toMatchObject({ code })
    }
  })

  it('are taken out of a file, and a bad one changes nothing', async () => {
    const changed: string[] = []
    const packs = createPacks(createFakeKit(), (name) => changed.push(name))
    await packs.importFile(new Blob(['a pack']))
    expect(packs.offers.value?.[0]?.state).toBe('ready')
    expect(changed).toEqual(['coffee-leaf'])
    const other = createPacks(createFakeKit({ installError: 'pack/bad-bundle' }))
    await other.refresh()
    await other.importFile(new Blob(['words']))
    expect(other.fileError.value).toMatchObject({ code: 'pack/bad-bundle' })
    expect(other.offers.value?.[0]?.state).toBe('absent')
  })

  it('download once when asked twice', async () => {
    const kit = createFakeKit()
    const packs = createPacks(kit)
    await packs.refresh()
    const offer = packs.offers.value?.[0]
    if (!offer) throw new Error('the fake offers a pack')
    await Promise.all([packs.install(offer), packs.install(offer)])
    expect(kit.calls.filter((call) => call.startsWith('install'))).toHaveLength(1)
  })

  it('tell when one changed or went', async () => {
    const changed: string[] = []
    const packs = createPacks(createFakeKit(), (name) => changed.push(name))
    await packs.refresh()
    const offer = packs.offers.value?.[0]
    if (!offer) throw new Error('the fake offers a pack')
    await packs.install(offer)
    await packs.remove(offer.name)
    expect(changed).toEqual(['coffee-leaf', 'coffee-leaf'])
    expect(packs.offers.value?.[0]?.state).toBe('absent')
  })

  it('keep the last list when a new one cannot be read', async () => {
    const kit = createFakeKit({ installed: true })
    const packs = createPacks(kit)
    await packs.refresh()
    kit.packs.list = async () => {
      throw new TypeError('offline')
    }
    await packs.refresh()
    expect(packs.offers.value).toHaveLength(1)
    expect(packs.listError.value).toBeInstanceOf(TypeError)
  })
})

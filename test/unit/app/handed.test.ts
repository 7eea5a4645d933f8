import { describe, expect, it } from 'vitest'
import type { Closed } from '../../../src/app/state/gate.ts'
import { createTake, type Handed, takersOf } from '../../../src/app/state/handed.ts'
import type { PackOffer } from '../../../src/client/kit.ts'
import { createSignal } from '../../../src/client/signal.ts'

const offer = (name: string, takes: PackOffer['takes'], state: PackOffer['state'] = 'ready'): PackOffer => ({
  name,
  version: '1.0.0',
  digest: '',
  state,
  bytes: 1,
  have: 1,
  url: name,
  title: { en: name },
  description: { en: name },
  ...(takes && { takes }),
})

function setUp(offers: readonly PackOffer[], { atOnce = true, locked = false } = {}) {
  const asked: string[] = []
  const closed = createSignal<Closed | undefined>(locked ? { by: 'lock' } : undefined)
  const waiting = createSignal<Handed | undefined>(undefined)
  const take = createTake({
    ask: (pack, files) => void asked.push(`${pack} ${files.map(({ type }) => type).join(' ')}`),
    closed,
    offers: createSignal(offers),
    atOnce,
    waiting,
  })
  return { take, waiting, asked, closed }
}

const photo = new Blob(['photo'], { type: 'image/jpeg' })
const settled = async (promise: Promise<void>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>((done) => setTimeout(done, 5, false))])

describe('what another app shares', () => {
  it('goes to the one task that takes it, without a question', async () => {
    const { take, asked } = setUp([offer('leaf', undefined), offer('words', 'text'), offer('other', 'image', 'absent')])
    await take([photo])
    expect(asked).toEqual(['leaf image/jpeg'])
    await take([new Blob(['a message'], { type: 'text/plain' })])
    expect(asked.at(-1)).toBe('words text/plain')
  })

  it('is not for a pack that only finds faces for another', async () => {
    const leaf = { ...offer('leaf', 'image'), finder: { name: 'faces', ready: true, bytes: 0 } }
    const { take, asked } = setUp([leaf, offer('faces', 'image')])
    await take([photo])
    expect(asked).toEqual(['leaf image/jpeg'])
  })

  it('disturbs nobody who has opened the app for something else', async () => {
    const { take, waiting, asked } = setUp([offer('leaf', 'image')], { atOnce: false })
    const taken = take([photo])
    expect(await settled(taken)).toBe(false)
    expect(asked).toEqual([])
    waiting.value?.give('leaf')
    await taken
    expect(asked).toEqual(['leaf image/jpeg'])
  })

  it('is not answered by an app that is locked, and at once when it is open', async () => {
    const { take, asked, closed } = setUp([offer('leaf', 'image')], { locked: true })
    const taken = take([photo])
    expect(await settled(taken)).toBe(false)
    expect(asked).toEqual([])
    closed.set(undefined)
    await taken
    expect(asked).toEqual(['leaf image/jpeg'])
  })

  it('waits until somebody says which, many as a batch, and stays where it is until then', async () => {
    const offers = [offer('leaf', 'image'), offer('digits', 'image')]
    const { take, waiting, asked } = setUp(offers)
    const taken = take([photo, photo])
    expect(await settled(taken)).toBe(false)
    const handed = waiting.value
    expect(handed && takersOf(handed, offers).map(({ name }) => name)).toEqual(['leaf', 'digits'])
    waiting.value?.give('digits')
    await taken
    expect(asked).toEqual(['digits image/jpeg image/jpeg'])
    expect(waiting.value).toBeUndefined()
  })

  it('may be thrown away, also when no task takes it; nothing at all is no question', async () => {
    const { take, waiting, asked } = setUp([offer('leaf', 'image')])
    const taken = take([new Blob(['RIFF'], { type: 'audio/wav' })])
    expect(await settled(taken)).toBe(false)
    waiting.value?.discard()
    await taken
    await take([])
    expect(asked).toEqual([])
  })

  it('makes way for what is shared after it', async () => {
    const { take, waiting } = setUp([offer('leaf', 'image'), offer('digits', 'image')])
    const first = take([photo])
    void take([new Blob(['newer'], { type: 'image/png' })])
    expect(await settled(first)).toBe(true)
    expect(waiting.value?.files[0]?.type).toBe('image/png')
  })
})

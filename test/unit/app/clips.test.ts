import { i18n } from '@lingui/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ClipsDeps, createClips, jobOf } from '../../../src/app/clips/stocks.ts'
import { createPacks } from '../../../src/app/state/packs.ts'
import type { Preferences } from '../../../src/app/state/preferences.ts'
import { findVoice } from '../../../src/app/voices.ts'
import { createSignal } from '../../../src/client/signal.ts'
import { createFakeKit, type FakeOptions } from '../../helpers/fake-kit.ts'

const preferences = { language: 'sw', theme: 'auto', textSize: 1, place: false, person: undefined } as const

/** The app's recordings on the fake kit; `settle` waits until nothing is under way. */
async function setUp(options: FakeOptions, more: Partial<ClipsDeps> = {}) {
  const kit = createFakeKit({ installed: true, ...options })
  const value = createSignal<Preferences>(preferences)
  const packs = createPacks(kit)
  await packs.refresh()
  const other: (() => void)[] = []
  const said: string[] = []
  const clips = createClips({
    kit,
    packs,
    preferences: { value },
    findVoice: async () => undefined,
    onOtherNetwork: (listener) => void other.push(listener),
    isOnline: () => true,
    announce: (text) => void said.push(text),
    ...more,
  })
  const settle = async (): Promise<void> => {
    // Timers of one length come in their order, and the fake has one a step: twenty later all of them were.
    for (let turn = 0; turn < 20; turn++) await new Promise((done) => setTimeout(done, 0))
  }
  await settle()
  const onOther = (): void => {
    for (const listener of other) listener()
  }
  return { kit, packs, value, clips, settle, said, onOther }
}

const fetches = (calls: readonly string[]) => calls.filter((call) => call.startsWith('fetch'))

describe('recordings in the app', () => {
  beforeAll(() => i18n.loadAndActivate({ locale: 'en', messages: {} }))

  it('are wanted in its language, and in none where a voice of the phone speaks that', async () => {
    const mute = await setUp({ clips: { sw: 'here' } })
    expect(mute.kit.calls).toContain('want sw')
    expect(mute.clips.wanted.value).toBe('sw')
    const spoken = await setUp({ clips: { sw: 'away' } }, { findVoice: async (language) => language === 'sw' && {} })
    expect(spoken.kit.calls).toContain('want undefined')
    expect(fetches(spoken.kit.calls)).toEqual([])
    spoken.value.set({ ...preferences, language: 'ar' })
    await spoken.settle()
    expect(spoken.kit.calls).toContain('want ar')
  })

  it('come by themselves when they are few, and only in the language that became that of the app', async () => {
    const { kit, value, clips, settle, said } = await setUp({ clips: { sw: 'here', ar: 'away', fr: 'away' } })
    expect(fetches(kit.calls)).toEqual([])
    value.set({ ...preferences, language: 'ar' })
    await settle()
    expect(fetches(kit.calls)).toEqual(['fetch coffee-leaf in ar in the background'])
    expect(clips.stocks.value['coffee-leaf']).toMatchObject({ ar: { have: 43_000 }, fr: { have: 0 } })
    // Another preference is no other language.
    value.set({ ...preferences, language: 'ar', theme: 'dark' })
    await settle()
    expect(kit.calls.filter((call) => call.startsWith('want'))).toEqual(['want sw', 'want ar'])
    expect(said).toEqual([])
  })

  it('of a language that is spoken no more stay until they are told to go', async () => {
    const { kit, value, clips, settle, said } = await setUp({ clips: { sw: 'here', ar: 'here' } })
    value.set({ ...preferences, language: 'ar' })
    await settle()
    expect(clips.stocks.value['coffee-leaf']).toMatchObject({ sw: { have: 43_000 } })
    await clips.drop('coffee-leaf', 'sw')
    expect(kit.calls).toContain('drop coffee-leaf in sw')
    expect(clips.stocks.value['coffee-leaf']).toMatchObject({ sw: { have: 0 }, ar: { have: 43_000 } })
    expect(said).toEqual(['clip.dropped'])
    expect(fetches(kit.calls)).toEqual([])
  })

  it('wait for a tap where bytes cost money, and for a network', async () => {
    const metered = await setUp({ clips: { sw: 'away' }, metered: true })
    expect(fetches(metered.kit.calls)).toEqual([])
    await metered.clips.fetch('coffee-leaf')
    expect(fetches(metered.kit.calls)).toEqual(['fetch coffee-leaf in sw'])
    expect(metered.said).toEqual(['clip.here'])
    let online = false
    const offline = await setUp({ clips: { sw: 'away' } }, { isOnline: () => online })
    expect(fetches(offline.kit.calls)).toEqual([])
    online = true
    offline.onOther()
    await offline.settle()
    expect(fetches(offline.kit.calls)).toEqual(['fetch coffee-leaf in sw in the background'])
  })

  it('are never fetched in silence when they are many', async () => {
    const { kit, clips } = await setUp({ clips: { sw: 'away' }, clipBytes: 60_000 })
    expect(fetches(kit.calls)).toEqual([])
    expect(clips.stocks.value['coffee-leaf']).toEqual({ sw: { bytes: 60_000, have: 0, kept: false } })
  })

  it('that could not be fetched say why to whoever asked, and to nobody else', async () => {
    const { kit, clips } = await setUp({ clips: { sw: 'away' }, clipError: 'download/over-budget' })
    expect(fetches(kit.calls)).toHaveLength(1)
    expect(clips.jobs.value).toEqual({})
    await clips.fetch('coffee-leaf')
    expect(clips.jobs.value[jobOf('coffee-leaf', 'sw')]?.error).toMatchObject({ code: 'download/over-budget' })
  })
})

it('a phone without voices has none, whatever it is asked for', async () => {
  expect(await findVoice('sw')).toBeUndefined()
})

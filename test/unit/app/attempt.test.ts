import { describe, expect, it, vi } from 'vitest'
import { hrefOf, type Route } from '../../../src/app/routes.ts'
import { createAttempts } from '../../../src/app/state/attempt.ts'
import type { Draft, DraftStore } from '../../../src/app/state/draft.ts'
import type { Navigation } from '../../../src/app/state/navigation.ts'
import type { Kit } from '../../../src/client/kit.ts'
import { createSignal } from '../../../src/client/signal.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import { createFakeKit, type FakeOptions, openingOf } from '../../helpers/fake-kit.ts'

const photo = (text = 'a photo'): Blob => new Blob([text], { type: 'image/jpeg' })

function memoryNavigation(): Navigation & { trail: string[] } {
  const route = createSignal<Route>({ screen: 'home' })
  const trail: string[] = []
  return {
    trail,
    route,
    moved: false,
    go(to) {
      trail.push(`go ${hrefOf(to)}`)
      route.set(to)
    },
    replace(to) {
      trail.push(`replace ${hrefOf(to)}`)
      route.set(to)
    },
    back() {
      trail.push('back')
      route.set({ screen: 'home' })
    },
  }
}

function memoryDrafts(draft?: Draft): DraftStore & { held: Draft | undefined } {
  return {
    held: draft,
    async save(next) {
      this.held = next
    },
    async load() {
      return this.held
    },
    async clear() {
      this.held = undefined
    },
  }
}

function setUp(options: FakeOptions = {}, kept?: Draft) {
  const kit = createFakeKit({ installed: true, ...options })
  const navigation = memoryNavigation()
  const drafts = memoryDrafts(kept)
  return { kit, navigation, drafts, attempts: createAttempts({ kit, navigation, drafts }) }
}

/** Every run waits until the gate is opened; one that was aborted meanwhile gives no record. */
function setUpGated() {
  const kit = createFakeKit({ installed: true })
  const gate = Promise.withResolvers<void>()
  const open: Kit['open'] = async (name) => {
    const pack = await kit.open(name)
    return { ...pack, run: (blob, operation) => gate.promise.then(() => pack.run(blob, operation)) }
  }
  const navigation = memoryNavigation()
  const attempts = createAttempts({ kit: { ...kit, opening: openingOf(open) }, navigation, drafts: memoryDrafts() })
  return { attempts, navigation, kit: { ...kit, openGate: gate.resolve } }
}

describe('an attempt', () => {
  it('goes from a photo to the record, and takes the capture screen’s place there', async () => {
    const { attempts, navigation, drafts } = setUp()
    await attempts.begin('coffee-leaf', photo())
    expect(attempts.current.value).toEqual({ state: 'none' })
    expect(attempts.fresh.value?.body.answer).toMatchObject({ kind: 'classes', label: 'rust' })
    expect(navigation.trail).toEqual(['go #/capture/coffee-leaf', 'replace #/record/abcdefghijklmnop/1'])
    expect(drafts.held).toBeUndefined()
  })

  it('keeps the photo until there is a record of it', async () => {
    const { attempts, drafts } = setUp({ delay: Number.POSITIVE_INFINITY })
    void attempts.begin('coffee-leaf', photo())
    await expect.poll(() => attempts.current.value).toMatchObject({ state: 'working', step: 'looking' })
    expect(drafts.held?.pack).toBe('coffee-leaf')
  })

  it('writes down no photo in which faces are still to be hidden', async () => {
    const kit = createFakeKit({ installed: true, delay: Number.POSITIVE_INFINITY })
    const drafts = memoryDrafts()
    const save = vi.spyOn(drafts, 'save')
    const asked: string[] = []
    const mayKeep = (pack: string): boolean => {
      asked.push(pack)
      return false
    }
    const attempts = createAttempts({ kit, navigation: memoryNavigation(), drafts, mayKeep })
    void attempts.begin('coffee-leaf', photo())
    await expect.poll(() => attempts.current.value).toMatchObject({ state: 'working', step: 'looking' })
    expect([asked, save.mock.calls, drafts.held]).toEqual([['coffee-leaf'], [], undefined])
    attempts.discard()
  })

  it('opens a pack once for many photos', async () => {
    const { attempts, kit } = setUp()
    await attempts.begin('coffee-leaf', photo())
    await attempts.begin('coffee-leaf', photo('another'))
    expect(kit.calls).toEqual(['open coffee-leaf', 'run', 'run'])
  })

  it('asks what was got ready before anybody asked, and opens a pack with all that takes where that did not go well', async () => {
    const { kit } = setUp()
    const asked: unknown[] = []
    const open: Kit['open'] = async (name, { here } = {}) => {
      asked.push(here ?? 'all')
      if (here && name === 'damaged') throw new JikoError('pack/damaged', 'a chunk is missing')
      return kit.open('coffee-leaf')
    }
    const attempts = createAttempts({
      kit: { ...kit, opening: openingOf(open) },
      navigation: memoryNavigation(),
      drafts: memoryDrafts(),
    })
    attempts.expect('coffee-leaf')
    await attempts.begin('coffee-leaf', photo())
    expect(asked).toEqual([true])
    expect(attempts.opened.value.map(({ name }) => name)).toEqual(['coffee-leaf'])
    attempts.expect('damaged')
    // It has failed before anybody asks.
    await new Promise((done) => setTimeout(done))
    await attempts.begin('damaged', photo())
    expect(asked).toEqual([true, true, 'all'])
    expect(attempts.fresh.value?.body.answer).toMatchObject({ label: 'rust' })
  })

  it('asks the version before when an update failed on this phone and was put away', async () => {
    const { kit } = setUp()
    let opened = 0
    const open: Kit['open'] = async (name) => {
      const pack = await kit.open(name)
      if (opened++ > 0) return pack
      return {
        ...pack,
        run: async () => {
          throw new JikoError('pack/rolled-back', 'the one before is back')
        },
      }
    }
    const attempts = createAttempts({
      kit: { ...kit, opening: openingOf(open) },
      navigation: memoryNavigation(),
      drafts: memoryDrafts(),
    })
    await attempts.begin('coffee-leaf', photo())
    expect(attempts.current.value).toEqual({ state: 'none' })
    expect(attempts.fresh.value?.body.answer).toMatchObject({ label: 'rust' })
    expect(opened).toBe(2)
  })

  it('tries to open again after opening failed', async () => {
    const { kit } = setUp()
    const open = vi.fn<Kit['open']>().mockRejectedValueOnce(new Error('busy')).mockImplementation(kit.open)
    const attempts = createAttempts({
      kit: { ...kit, opening: openingOf(open) },
      navigation: memoryNavigation(),
      drafts: memoryDrafts(),
    })
    await attempts.begin('coffee-leaf', photo())
    expect(attempts.current.value.state).toBe('failed')
    await attempts.begin('coffee-leaf', photo())
    expect(attempts.fresh.value).toBeDefined()
  })

  it('shows a failure and does not bring a bad photo back at the next start', async () => {
    const { attempts, navigation, drafts } = setUp({ runError: 'input/not-an-image' })
    await attempts.begin('coffee-leaf', photo('text'))
    expect(attempts.current.value).toMatchObject({ state: 'failed', error: { code: 'input/not-an-image' } })
    expect(navigation.route.value.screen).toBe('capture')
    expect(drafts.held).toBeUndefined()
  })

  it('ends at once when cancelled, back where it began', async () => {
    const { attempts, navigation, drafts, kit } = setUp({ delay: Number.POSITIVE_INFINITY })
    const done = attempts.begin('coffee-leaf', photo())
    await expect.poll(() => kit.calls).toContain('run')
    attempts.cancel()
    await done
    expect(attempts.current.value).toEqual({ state: 'none' })
    expect(navigation.trail.at(-1)).toBe('back')
    expect(drafts.held).toBeUndefined()
  })

  it('gives way to a newer photo', async () => {
    const { attempts, kit } = setUpGated()
    const first = attempts.begin('coffee-leaf', photo('first'))
    await expect.poll(() => attempts.current.value).toMatchObject({ step: 'looking' })
    const second = attempts.begin('coffee-leaf', photo('second'))
    kit.openGate()
    await Promise.all([first, second])
    expect(await kit.records.list()).toHaveLength(1)
  })

  it('leaves a person alone who went elsewhere meanwhile', async () => {
    const { attempts, navigation, kit } = setUpGated()
    const done = attempts.begin('coffee-leaf', photo())
    await expect.poll(() => attempts.current.value).toMatchObject({ step: 'looking' })
    navigation.go({ screen: 'history' })
    kit.openGate()
    await done
    expect(navigation.route.value).toEqual({ screen: 'history' })
    expect(await kit.records.list()).toHaveLength(1)
  })

  it('does not take the screen when it was cancelled too late to stop', async () => {
    const { kit, navigation, drafts } = setUp()
    const gate = Promise.withResolvers<void>()
    const deaf: Kit['open'] = async (name) => {
      const pack = await kit.open(name)
      return { ...pack, run: (blob) => gate.promise.then(() => pack.run(blob)) }
    }
    const attempts = createAttempts({ kit: { ...kit, opening: openingOf(deaf) }, navigation, drafts })
    const done = attempts.begin('coffee-leaf', photo())
    await expect.poll(() => attempts.current.value).toMatchObject({ step: 'looking' })
    attempts.cancel()
    gate.resolve()
    await done
    expect(navigation.trail.at(-1)).toBe('back')
    expect(attempts.fresh.value).toBeUndefined()
  })

  it('opens a pack anew, with its new labels, after it changed', async () => {
    const { attempts, kit } = setUp()
    await attempts.begin('coffee-leaf', photo())
    attempts.forget('coffee-leaf')
    expect(attempts.opened.value).toEqual([])
    await attempts.begin('coffee-leaf', photo('another'))
    expect(kit.calls.filter((call) => call.startsWith('open'))).toHaveLength(2)
  })

  it('offers a photo that an earlier visit left behind, and lets it go', async () => {
    const { attempts, drafts } = setUp({}, { pack: 'coffee-leaf', given: photo() })
    await attempts.restore()
    expect(attempts.current.value).toMatchObject({ state: 'kept', pack: 'coffee-leaf' })
    attempts.discard()
    expect(attempts.current.value).toEqual({ state: 'none' })
    expect(drafts.held).toBeUndefined()
  })

  it('hands text on as text', async () => {
    const { attempts, kit, drafts } = setUp({ takes: 'text' })
    await attempts.begin('coffee-leaf', new Blob(['habari ya leo'], { type: 'text/plain' }))
    const [record] = await kit.records.list()
    expect(record?.body.attachments[0]?.type).toBe('text/plain')
    expect(attempts.current.value).toEqual({ state: 'none' })
    expect(drafts.held).toBeUndefined()
  })

  it('listens, shows how loud it is, and begins with what it heard', async () => {
    const { attempts, kit, navigation } = setUp({ takes: 'audio' })
    const states: string[] = []
    attempts.current.subscribe(({ state }) => states.push(state))
    await attempts.listen('coffee-leaf')
    expect(states).toEqual(['none', 'listening', 'working', 'working', 'none'])
    expect(attempts.level.value).toBeGreaterThan(0)
    expect(navigation.trail[0]).toBe('go #/capture/coffee-leaf')
    expect((await kit.records.list())[0]?.body.attachments[0]?.type).toBe('audio/wav')
  })

  it('says why it cannot listen, and keeps nothing', async () => {
    const { attempts, kit, drafts } = setUp({ takes: 'audio', listenError: 'input/microphone-refused' })
    await attempts.listen('coffee-leaf')
    expect(attempts.current.value).toMatchObject({ state: 'deaf', error: { code: 'input/microphone-refused' } })
    expect(await kit.records.list()).toEqual([])
    expect(drafts.held).toBeUndefined()
  })

  it('closes the microphone when it is cancelled', async () => {
    const { attempts, kit } = setUp({ takes: 'audio', delay: Number.POSITIVE_INFINITY })
    const done = attempts.listen('coffee-leaf')
    await expect.poll(() => attempts.current.value.state).toBe('listening')
    attempts.cancel()
    await done
    expect(attempts.current.value).toEqual({ state: 'none' })
    expect(await kit.records.list()).toEqual([])
  })
})

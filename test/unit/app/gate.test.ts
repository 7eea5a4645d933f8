import { describe, expect, it } from 'vitest'
import { plainDigits } from '../../../src/app/parts/pin-field.tsx'
import { closeWhenAway, createGate } from '../../../src/app/state/gate.ts'
import { createPreferences } from '../../../src/app/state/preferences.ts'
import { createFakeKit, type FakeOptions } from '../../helpers/fake-kit.ts'

function setUp(options: FakeOptions, person?: string) {
  const storage = { getItem: () => JSON.stringify({ person }), setItem: () => undefined }
  const preferences = createPreferences(storage, ['en'], ['en'])
  return {
    preferences,
    gate: createGate({ kit: createFakeKit(options), preferences, lastTime: { keepHome: () => undefined } }),
  }
}

describe('the gate', () => {
  it('is open where there is no PIN', async () => {
    const { gate } = setUp({ people: ['Asha'] }, 'person-1')
    await gate.close()
    expect(gate.closed.value).toBeUndefined()
  })

  it("asks for the app's PIN, then for that of the person it was left with", async () => {
    const { gate } = setUp({ lock: '1357', people: ['Asha*'] }, 'person-1')
    await gate.close()
    expect(gate.closed.value).toEqual({ by: 'lock' })
    await gate.pass()
    expect(gate.closed.value).toEqual({ by: 'person', id: 'person-1', name: 'Asha' })
    await gate.pass()
    expect(gate.closed.value).toBeUndefined()
  })

  it('forgets a person whom the phone no longer knows', async () => {
    const { gate, preferences } = setUp({}, 'person-9')
    await gate.close()
    expect(gate.closed.value).toBeUndefined()
    expect(preferences.value.value.person).toBeUndefined()
  })

  it('closes when the phone was put away for long, not for a glance elsewhere', async () => {
    const { gate } = setUp({ lock: '1357' })
    const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
    let clock = 0
    closeWhenAway(gate, page as unknown as Document, () => clock)
    async function away(ms: number): Promise<void> {
      page.visibilityState = 'hidden'
      page.dispatchEvent(new Event('visibilitychange'))
      clock += ms
      page.visibilityState = 'visible'
      page.dispatchEvent(new Event('visibilitychange'))
      await new Promise((resolve) => setTimeout(resolve))
    }
    await away(60_000)
    expect(gate.closed.value).toBeUndefined()
    await away(6 * 60_000)
    expect(gate.closed.value).toEqual({ by: 'lock' })
  })
})

describe('a PIN that is set', () => {
  it('keeps the next start from drawing anything, from before it is written down on', async () => {
    const done: string[] = []
    const kit = createFakeKit({})
    const set = kit.lock.set
    kit.lock.set = async (...pins) => {
      done.push('set')
      await set(...pins)
    }
    const storage = { getItem: () => null, setItem: () => undefined }
    const lastTime = { keepHome: (home: unknown) => void done.push(`home ${home}`) }
    const gate = createGate({ kit, preferences: createPreferences(storage, ['en'], ['en']), lastTime })
    await gate.lock('2468', '')
    expect(done).toEqual(['home undefined', 'set'])
    await gate.close()
    expect(gate.closed.value).toEqual({ by: 'lock' })
  })
})

describe('the digits of a PIN', () => {
  it.each([
    ['2468', '2468'],
    ['٢٤٦٨', '2468'],
    ['२४६८', '2468'],
    ['۲۴ 6-8x', '2468'],
  ])('%s is %s', (typed, pin) => expect(plainDigits(typed)).toBe(pin))
})

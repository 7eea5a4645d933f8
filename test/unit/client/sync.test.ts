import { describe, expect, it } from 'vitest'
import { startSync } from '../../../src/client/sync.ts'
import type { SyncEngine } from '../../../src/client/sync-engine.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import { PROGRAM } from '../../../src/sync/enrol.ts'
import { syncStatus } from '../../helpers/sync-status.ts'
import { result } from '../store/samples.ts'

const moment = () => ({ wall: 1, mono: 1, session: 'test', zone: 0 })

/** The kit's sync over a store in memory, with an engine that counts, and a network for its code that can be off. */
async function world() {
  const store = await openMemoryStore()
  const state = { online: false, broken: false, loads: 0, started: 0, woken: 0, stopped: 0, sent: 0 }
  let fire = (): void => undefined
  const waiting = syncStatus({ local: 1, allSent: false })
  const sync: SyncEngine['sync'] = {
    now: async () => {
      state.sent += 1
      return { ...waiting, local: 0, final: 1, allSent: true }
    },
    status: async () => waiting,
    subscribe: () => () => undefined,
    trustHub: async () => undefined,
  }
  const schedule = { wake: () => void state.woken++, stop: () => void state.stopped++ }
  const kit = startSync({
    store,
    database: 'jiko',
    base: new URL('https://hub.test/'),
    app: 'test',
    moment,
    calm: async () => undefined,
    load: async () => {
      state.loads += 1
      if (!state.online) throw new TypeError('Failed to fetch dynamically imported module')
      return {
        startSyncEngine: async ({ store: opened }) => {
          if (state.broken) throw new JikoError('storage/failed', 'the setting could not be read')
          state.started += 1
          const program = String((await opened.getSetting(PROGRAM)) ?? 'default')
          return {
            sync,
            schedule,
            program,
            async enrol(link) {
              await opened.setSetting(PROGRAM, link)
              return { program: link, role: 'sender' }
            },
            exportFile: async () => new File([], 'records.jikorec'),
            enrolment: async () => ({ program, role: 'sender' }),
            token: async () => ({ token: 'token', role: 'viewer', seconds: 1 }),
          }
        },
      }
    },
    occasions: (callback) => {
      fire = callback
      return () => undefined
    },
  })
  return { store, state, kit, occasion: () => fire() }
}

describe('the part that sends', () => {
  it('is not fetched before the page is there, while the counts are told at once', async () => {
    const { store, state, kit } = await world()
    await store.append(result())
    await expect.poll(() => kit.room.status.value.local).toBe(1)
    expect(state.loads).toBe(0)
  })

  it('may be out of reach: said as having no network, and asked for again on every occasion', async () => {
    const { state, kit, occasion } = await world()
    occasion()
    await expect.poll(() => kit.room.status.value.lastError).toBe('sync/offline')
    expect(await kit.room.now()).toMatchObject({ lastError: 'sync/offline', running: false })
    expect(state).toMatchObject({ loads: 2, started: 0 })
    state.online = true
    occasion()
    await expect.poll(() => state.started).toBe(1)
    await expect.poll(() => kit.room.status.value.lastError).toBeUndefined()
  })

  it('may fail to start though it was fetched: that is said, and it is tried again on the next occasion', async () => {
    const { state, kit, occasion } = await world()
    Object.assign(state, { online: true, broken: true })
    occasion()
    await expect.poll(() => kit.room.status.value.lastError).toBe('storage/failed')
    await expect(kit.room.enrolment()).rejects.toThrow('the setting could not be read')
    state.broken = false
    occasion()
    await expect.poll(() => state.started).toBe(1)
    expect(await kit.room.now()).toMatchObject({ allSent: true })
  })

  it('is fetched once, and woken from then on', async () => {
    const { state, kit, occasion } = await world()
    state.online = true
    kit.wake()
    expect(await kit.room.now()).toMatchObject({ allSent: true })
    kit.wake()
    occasion()
    expect(state).toMatchObject({ loads: 1, started: 1, sent: 1, woken: 1 })
  })

  it('starts anew in the program that was joined', async () => {
    const { state, kit } = await world()
    state.online = true
    expect(await kit.room.enrolment()).toMatchObject({ program: 'default' })
    expect(await kit.room.enrol('coffee')).toEqual({ program: 'coffee', role: 'sender' })
    expect(await kit.room.enrolment()).toMatchObject({ program: 'coffee' })
    expect(state).toMatchObject({ started: 2, stopped: 1 })
    await kit.room.enrol('coffee')
    expect(state).toMatchObject({ started: 2, stopped: 1, woken: 1 })
  })

  it('does not start in a kit that was closed while it was on its way, and stops with one', async () => {
    const early = await world()
    early.state.online = true
    void early.kit.room.now()
    early.kit.stop()
    const running = await world()
    running.state.online = true
    await running.kit.room.now()
    running.kit.stop()
    await new Promise((resolve) => setTimeout(resolve))
    expect(early.state).toMatchObject({ loads: 1, started: 0 })
    expect(running.state.stopped).toBe(1)
  })
})

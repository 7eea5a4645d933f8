import type { Database } from './database.ts'
import { type SealedPin, sealPin, tryPin } from './pin.ts'
import { LOCK_SETTING } from './store.ts'

/** Keeps the app's screens from the eyes of whoever picks the phone up. No encryption: what is here can be sent all the same. */
export interface Lock {
  isSet(): Promise<boolean>
  /** @throws JikoError `input/bad-pin`; `input/wrong-pin` where one is set and `current` is not it. */
  set(pin: string, current?: string): Promise<void>
  /** @throws JikoError `input/wrong-pin` */
  clear(current: string): Promise<void>
  /** Resolves where `pin` is right, or none is set. @throws JikoError `input/wrong-pin`, with `seconds` to wait. */
  open(pin: string): Promise<void>
}

export function createLock(database: Database, now: () => number = Date.now): Lock {
  const read = (): Promise<SealedPin | undefined> =>
    database.transact('read', async (tables) => (await tables.setting(LOCK_SETTING)) as SealedPin | undefined)
  const write = (sealed: SealedPin | undefined): Promise<void> =>
    database.transact('write', (tables) => tables.putSetting(LOCK_SETTING, sealed))

  async function open(pin: string): Promise<void> {
    const sealed = await read()
    if (!sealed) return
    const { error, ...next } = await tryPin(sealed, pin, now())
    await write(next)
    if (error) throw error
  }
  return {
    isSet: async () => (await read()) !== undefined,
    async set(pin, current = '') {
      await open(current)
      await write(await sealPin(pin))
    },
    async clear(current) {
      await open(current)
      await write(undefined)
    },
    open,
  }
}

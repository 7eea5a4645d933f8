import { randomBytes, toBase32 } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import type { ActorRow, Database } from './database.ts'
import { sealPin, tryPin, wrongPin } from './pin.ts'

/** Somebody who uses this phone. Records carry the id, so that each sees their own; anybody's session sends all of them. */
export interface Actor {
  id: string
  name: string
  /** Whether a PIN is asked for. */
  guarded: boolean
}

export interface Actors {
  list(): Promise<Actor[]>
  /** Without a PIN anybody may be them. @throws JikoError `input/bad-pin`, `input/bad-name`. */
  add(name: string, pin?: string): Promise<Actor>
  /** @throws JikoError `input/wrong-pin`, with `seconds` to wait before the next try. */
  enter(id: string, pin?: string): Promise<Actor>
}

const seen = ({ id, name, hash }: ActorRow): Actor => ({ id, name, guarded: hash !== '' })

/**
 * The people of a shared phone. A PIN keeps somebody's records from the others' eyes on the screen; it is no encryption,
 * and says so nowhere.
 */
export function createActors(database: Database, now: () => number = Date.now): Actors {
  return {
    list: async () => (await database.transact('read', (tables) => tables.actors())).map(seen),
    async add(name, pin) {
      const trimmed = name.trim()
      if (trimmed === '' || trimmed.length > 64) {
        throw new JikoError('input/bad-name', 'a name has 1 to 64 characters')
      }
      const sealed = pin === undefined ? { salt: '', hash: '', failures: 0, notBefore: 0 } : await sealPin(pin)
      const row = { id: toBase32(randomBytes(10)), name: trimmed, ...sealed }
      await database.transact('write', (tables) => tables.putActor(row))
      return seen(row)
    },
    async enter(id, pin = '') {
      const rows = await database.transact('read', (tables) => tables.actors())
      const actor = rows.find((row) => row.id === id)
      if (!actor) throw wrongPin(0)
      if (actor.hash === '') return seen(actor)
      const { error, ...sealed } = await tryPin(actor, pin, now())
      await database.transact('write', (tables) => tables.putActor({ ...actor, ...sealed }))
      if (error) throw error
      return seen(actor)
    },
  }
}

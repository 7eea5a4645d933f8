import { fromHex, randomBytes, toBase32, toHex, utf8 } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import type { ActorRow, Database } from './database.ts'

/** Somebody who uses this phone. Records carry the id, so that each sees their own; anybody's session sends all of them. */
export interface Actor {
  id: string
  name: string
}

export interface Actors {
  list(): Promise<Actor[]>
  /** @throws JikoError `input/bad-pin`, `input/bad-name`. */
  add(name: string, pin: string): Promise<Actor>
  /** @throws JikoError `input/wrong-pin`, with `seconds` to wait before the next try. */
  enter(id: string, pin: string): Promise<Actor>
}

const ROUNDS = 100_000
/** Wrong PINs in a row that cost nothing; each further one doubles the wait, up to an hour. */
const FREE = 3
const FIRST_WAIT = 5_000
const MOST_WAIT = 3_600_000

async function hashOf(pin: string, salt: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', utf8(pin), 'PBKDF2', false, ['deriveBits'])
  const how = { name: 'PBKDF2', hash: 'SHA-256', salt: fromHex(salt), iterations: ROUNDS }
  return toHex(new Uint8Array(await crypto.subtle.deriveBits(how, key, 256)))
}

const seen = ({ id, name }: ActorRow): Actor => ({ id, name })

/**
 * The people of a shared phone. A PIN keeps somebody's records from the others' eyes on the screen; it is no encryption,
 * and says so nowhere.
 * @param now milliseconds since 1970 by the phone's clock, which may lie: then a wait is as long as the phone believes.
 */
export function createActors(database: Database, now: () => number = Date.now): Actors {
  return {
    list: async () => (await database.transact('read', (tables) => tables.actors())).map(seen),
    async add(name, pin) {
      const trimmed = name.trim()
      if (trimmed === '' || trimmed.length > 64) {
        throw new JikoError('input/bad-name', 'a name has 1 to 64 characters')
      }
      if (!/^\d{4,12}$/.test(pin)) throw new JikoError('input/bad-pin', 'a PIN has 4 to 12 digits')
      const salt = toHex(randomBytes(16))
      const id = toBase32(randomBytes(10))
      const row = { id, name: trimmed, salt, hash: await hashOf(pin, salt), failures: 0, notBefore: 0 }
      await database.transact('write', (tables) => tables.putActor(row))
      return seen(row)
    },
    async enter(id, pin) {
      const find = (rows: readonly ActorRow[]): ActorRow | undefined => rows.find((row) => row.id === id)
      const actor = find(await database.transact('read', (tables) => tables.actors()))
      if (!actor) throw new JikoError('input/wrong-pin', 'there is nobody of that name on this phone')
      const refuse = (waits: number): never => {
        const seconds = Math.ceil(waits / 1000)
        const when = seconds > 0 ? `: try again in ${seconds} s` : ''
        throw new JikoError('input/wrong-pin', `that is not the PIN${when}`, { detail: { seconds } })
      }
      // A clock that was set back must not lock anybody out for years.
      const left = Math.min(MOST_WAIT, actor.notBefore - now())
      if (left > 0) return refuse(left)
      const isRight = (await hashOf(pin, actor.salt)) === actor.hash
      const failures = isRight ? 0 : actor.failures + 1
      const wait = failures <= FREE ? 0 : Math.min(MOST_WAIT, FIRST_WAIT * 2 ** (failures - FREE - 1))
      await database.transact('write', (tables) =>
        tables.putActor({ ...actor, failures, notBefore: wait === 0 ? 0 : now() + wait }),
      )
      return isRight ? seen(actor) : refuse(wait)
    },
  }
}

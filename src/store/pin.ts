import { fromHex, randomBytes, toHex, utf8 } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'

/** A PIN as it lies on disk, and how often it was guessed wrong. */
export interface SealedPin {
  salt: string
  /** PBKDF2 of the PIN, hex. */
  hash: string
  /** Wrong PINs in a row, and when the next may be tried, ms since 1970. */
  failures: number
  notBefore: number
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

/** @throws JikoError `input/bad-pin` */
export async function sealPin(pin: string): Promise<SealedPin> {
  if (!/^\d{4,12}$/.test(pin)) throw new JikoError('input/bad-pin', 'a PIN has 4 to 12 digits')
  const salt = toHex(randomBytes(16))
  return { salt, hash: await hashOf(pin, salt), failures: 0, notBefore: 0 }
}

/** With `seconds` to wait before the next try. */
export function wrongPin(waits: number): JikoError {
  const seconds = Math.ceil(waits / 1000)
  const when = seconds > 0 ? `: try again in ${seconds} s` : ''
  return new JikoError('input/wrong-pin', `that is not the PIN${when}`, { detail: { seconds } })
}

/**
 * Tries a PIN. What comes back is to be kept, also after a wrong one; `error` says that it was wrong.
 * @param now the phone's clock, which may lie: then a wait is as long as the phone believes.
 * @throws JikoError `input/wrong-pin` when it is too early to try again: nothing changes then.
 */
export async function tryPin(sealed: SealedPin, pin: string, now: number): Promise<SealedPin & { error?: JikoError }> {
  // A clock that was set back must not lock anybody out for years.
  const left = Math.min(MOST_WAIT, sealed.notBefore - now)
  if (left > 0) throw wrongPin(left)
  const { salt, hash } = sealed
  if ((await hashOf(pin, salt)) === hash) return { salt, hash, failures: 0, notBefore: 0 }
  const failures = sealed.failures + 1
  const wait = failures <= FREE ? 0 : Math.min(MOST_WAIT, FIRST_WAIT * 2 ** (failures - FREE - 1))
  return { salt, hash, failures, notBefore: wait === 0 ? 0 : now + wait, error: wrongPin(wait) }
}

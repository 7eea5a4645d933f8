import { hash } from 'node:crypto'
import type { SentLine } from '../protocol/hub.ts'

/*
 * The chain of `protocol/log.ts` for a hub, which hashes thousands of short lines in a row: Node's own hash answers at once,
 * where WebCrypto hands each line to another thread. Hashes are hex here.
 */

/** SHA-256 of a line's UTF-8 bytes. */
export const lineHashOf = (line: string): string => hash('sha256', line)

/** The same of a line of which perhaps only the hash was sent. */
export const sentHashOf = (line: SentLine): string => (typeof line === 'string' ? lineHashOf(line) : line[0])

/** `H(q) = SHA-256(H(q-1) ‖ SHA-256(line q))`. */
export const continueChain = (previous: string, lineHash: string): string =>
  hash('sha256', Buffer.from(previous + lineHash, 'hex'))

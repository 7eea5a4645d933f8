import { type Bytes, utf8 } from '../lib/bytes.ts'
import { compress } from '../lib/compress.ts'
import { sha256 } from '../lib/sha256.ts'
import { SIGNATURE_HEADER, type SyncRequest } from '../protocol/hub.ts'
import { headMessage } from '../protocol/log.ts'
import type { Signer } from '../protocol/sign.ts'
import type { StreamState } from '../store/store.ts'
import type { Outgoing } from './transport.ts'

/** Hubs refuse more; a phone has one, and one more for each clone or restored backup. */
const MAX_STREAMS = 64

/** A place in a stream with the chain's hash there. */
export type Head = Pick<StreamState, 'stream' | 'epoch' | 'tip' | 'hash'>

/** Everything of a request but the lines: who we are and how far each log goes, signed. */
export async function announce(
  signer: Signer,
  program: string,
  heads: readonly Head[],
): Promise<Pick<SyncRequest, 'device' | 'heads'>> {
  const signed = await Promise.all(
    heads.map(async ({ stream, epoch, tip, hash }) => {
      const signature = await signer.sign(headMessage(program, stream, tip, hash))
      return { stream, epoch, head: [tip, hash, signature] as [number, string, string] }
    }),
  )
  return {
    device: { key: signer.key, epochs: Object.fromEntries(signed.map(({ stream, epoch }) => [stream, epoch])) },
    heads: Object.fromEntries(signed.map(({ stream, head }) => [stream, head])),
  }
}

/** The streams to announce: all of them, or where there are too many those with something to settle, then the newest. */
export function worthAnnouncing(streams: readonly StreamState[], most = MAX_STREAMS): StreamState[] {
  const unsettled = ({ tip, final }: StreamState): number => (tip > final ? 1 : 0)
  return [...streams]
    .sort((a, b) => unsettled(b) - unsettled(a) || b.born - a.born)
    .slice(0, Math.min(most, MAX_STREAMS))
}

export const pack = (request: SyncRequest): Promise<Bytes> => compress(utf8(JSON.stringify(request)), 'gzip')

export async function signed(signer: Signer, body: Bytes): Promise<Outgoing> {
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      [SIGNATURE_HEADER]: await signer.sign(await sha256(body)),
    },
    body,
  }
}

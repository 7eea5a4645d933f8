import { MAX_PHOTOS_ASKED, type Op, type SyncRequest, type SyncResponse } from '../protocol/hub.ts'
import { downMessage, photosMessage } from '../protocol/log.ts'
import type { Signer } from '../protocol/sign.ts'
import type { HubStore } from './store/store.ts'

/** In one answer: enough to get on, little enough for a link of 20 kbit/s. */
const MOST_OPS = 200
const MOST_TEXT = 64 * 1024
const MOST_CHANGED = 1000

export interface DownDeps {
  store: HubStore
  signer: Signer
  /** False when a hub stands above this one. */
  isRoot: boolean
}

/**
 * What others said about the streams asked about, signed; nothing where nothing is new.
 * @param own how far who asks has written streams itself: what these said is known there, up to that.
 */
export async function handDown(
  { store, signer }: DownDeps,
  program: string,
  asked: Readonly<Record<string, Readonly<Record<string, number>>>>,
  own: Readonly<Record<string, number>>,
): Promise<Pick<SyncResponse, 'down'>> {
  const ops: Op[] = []
  let left = MOST_TEXT
  let more = false
  for (const [target, heard] of Object.entries(asked)) {
    const known: Record<string, number> = { ...heard }
    for (const [stream, seq] of Object.entries(own)) known[stream] = Math.max(seq, known[stream] ?? 0)
    const limit = MOST_OPS - ops.length
    for (const { stream, seq, line } of await store.changes(program, target, { known, limit: limit + 1 })) {
      // In the order of each stream, so what is left over begins where this ends.
      if (ops.length === MOST_OPS || (ops.length > 0 && line.length > left)) {
        more = true
        break
      }
      ops.push([stream, seq, line])
      left -= line.length
    }
    if (more) break
  }
  if (ops.length === 0) return {}
  return { down: { ops, more, signature: await signer.sign(downMessage(program, ops)) } }
}

/** Which of the attachments asked about are safe at the root, signed. */
export async function confirmPhotos(
  { store, signer, isRoot }: DownDeps,
  program: string,
  asked: SyncRequest['photos'] = [],
): Promise<Pick<SyncResponse, 'photos'>> {
  if (asked.length === 0) return {}
  const final = await store.finalBlobs(program, asked.slice(0, MAX_PHOTOS_ASKED), isRoot)
  return { photos: { final, signature: await signer.sign(photosMessage(program, final)) } }
}

/** Which streams another hub should ask about, if it carries them. */
export async function tellChanged(
  { store }: DownDeps,
  program: string,
  since: number | undefined,
): Promise<Pick<SyncResponse, 'changed'>> {
  if (since === undefined) return {}
  return { changed: await store.changedSince(program, since, MOST_CHANGED) }
}

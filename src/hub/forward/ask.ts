import { JikoError } from '../../protocol/error.ts'
import type { Carried, SyncRequest, SyncResponse } from '../../protocol/hub.ts'
import type { Signer } from '../../protocol/sign.ts'
import { readAnswer } from '../../sync/answer.ts'
import type { Pace } from '../../sync/pace.ts'
import { isPassing } from '../../sync/persist.ts'
import { pack, signed } from '../../sync/request.ts'
import { send, type Transport } from '../../sync/transport.ts'
import type { Trust } from '../../sync/trust.ts'
import type { BlobStore } from '../blob-store/blob-store.ts'
import type { HubStore } from '../store/store.ts'

export interface ForwardDeps extends Transport {
  store: HubStore
  blobs: BlobStore
  /** This hub's own: it signs the requests, never for a device. */
  signer: Signer
  /** Base address of the hub above, with a slash at its end. */
  hubUrl: string
  app: string
  /** Milliseconds since 1970. */
  now: () => number
}

/** The same for one program, with what was learnt of the link and of who answers. */
export interface ProgramDeps extends ForwardDeps {
  program: string
  pace: Pace
  trust: Trust
  news: News
}

/** What is heard by the way, in every answer of a run: which streams somebody above has said something about. */
export interface News {
  since: number
  changed: Set<string>
  /** Of the first answer, by the clock of who answers. */
  time?: number
}

/**
 * One question to the hub above and its answer, checked like a phone checks it.
 * @throws JikoError `sync/...`, `hub/own-upstream`; the pace has learnt from it then.
 */
export async function ask(
  carried: Readonly<Record<string, Carried>>,
  lines: number,
  deps: ProgramDeps,
  signal?: AbortSignal,
  photos?: SyncRequest['photos'],
): Promise<SyncResponse> {
  const { signer, pace, now, app, program, hubUrl, trust, news } = deps
  const clock = { wall: now(), mono: 0, session: 'hub' }
  const device = { key: signer.key, epochs: {} }
  const asked = { since: news.since, ...(photos && { photos }) }
  const body = await pack({ v: 1, device, heads: {}, clock, carried, ...asked, app })
  const begun = now()
  try {
    const url = new URL(`v1/${program}/sync`, hubUrl).href
    const answer = readAnswer(await send(url, await signed(signer, body), deps, signal))
    if (answer.hub.key === signer.key) {
      throw new JikoError('hub/own-upstream', `${hubUrl} is this hub itself: name the one above with --upstream`)
    }
    await trust.check(answer)
    news.time ??= answer.time
    for (const stream of answer.changed ?? []) news.changed.add(stream)
    pace.succeeded(body.length, now() - begun, lines)
    pace.limit(answer.next.bytes)
    return answer
  } catch (error) {
    if (!signal?.aborted && isPassing(error)) pace.failed()
    throw error
  }
}

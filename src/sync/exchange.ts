import type { Bytes } from '../lib/bytes.ts'
import type { SyncRequest, SyncResponse } from '../protocol/hub.ts'
import { headMessage } from '../protocol/log.ts'
import type { Moment } from '../protocol/record.ts'
import type { RecordStore, StreamState } from '../store/store.ts'
import { readAnswer } from './answer.ts'
import type { Down } from './down.ts'
import { type Fitted, fitLines } from './fit.ts'
import type { Pace } from './pace.ts'
import { isPassing } from './persist.ts'
import { announce, type Head, pack, signed, worthAnnouncing } from './request.ts'
import { type Outgoing, send, type Transport } from './transport.ts'
import type { Trust } from './trust.ts'

export interface ExchangeDeps extends Transport {
  store: RecordStore
  /** Base address of the hub, with a slash at its end. */
  hubUrl: string
  program: string
  app: string
  moment(): Pick<Moment, 'wall' | 'mono' | 'session'>
  /** What the browser says about room, where it says anything. */
  storage?: () => Promise<SyncRequest['storage']>
  pace: Pace
  trust: Trust
}

/** Bytes at once, below which a request is kept as small as it can be. */
const NARROW = 4096
/** What one announced stream costs: its hash, its epoch and its signature are random. */
const HEAD_BYTES = 160
const ENVELOPE_BYTES = 300

/** What it takes to say something to a hub, whichever. */
export type ComposeDeps = Pick<ExchangeDeps, 'store' | 'program' | 'app' | 'moment' | 'storage'> & {
  pace: Pick<Pace, 'bytes' | 'perLine'>
}

export interface Exchanged {
  answer: SyncResponse
  /** How many lines went along. */
  lines: number
}

/** Lines to push: those of `stream` from `from` on, as many as fit. */
export interface Candidate {
  stream: string
  from: number
}

/**
 * One question to the hub and its answer, checked: it is our hub's and its receipts are signed. What the receipts say is
 * not believed here yet.
 * @throws JikoError `sync/...`; the pace has learnt from it then.
 */
export async function exchange(
  heads: readonly Head[],
  candidate: Candidate | undefined,
  deps: ExchangeDeps,
  signal?: AbortSignal,
  down?: Down,
): Promise<Exchanged> {
  const { pace, moment } = deps
  // A link that carries little at once carries lines first, and nothing but what they need.
  const isNarrow = pace.bytes < NARROW
  const alone = isNarrow && candidate !== undefined
  const questions = alone ? {} : ((await down?.questions(isNarrow)) ?? {})
  const needed = heads.filter(({ stream }) => stream === candidate?.stream)
  const { outgoing, bytes, lines } = await composeRequest(alone ? needed : heads, candidate, questions, deps)
  const url = new URL(`v1/${deps.program}/sync`, deps.hubUrl).href
  const begun = moment().mono
  try {
    const answer = readAnswer(await send(url, outgoing, deps, signal))
    await deps.trust.check(answer)
    pace.succeeded(bytes, moment().mono - begun, lines)
    pace.limit(answer.next.bytes)
    if (!alone) await down?.take(questions, answer)
    return { answer, lines }
  } catch (error) {
    if (!signal?.aborted && isPassing(error)) pace.failed()
    throw error
  }
}

/** The request by itself: a bundle keeps it for later. `bytes` of its body. */
export async function composeRequest(
  heads: readonly Head[],
  candidate: Candidate | undefined,
  questions: Awaited<ReturnType<Down['questions']>>,
  deps: ComposeDeps,
): Promise<{ outgoing: Outgoing; bytes: number; lines: number }> {
  const { body, lines } = await compose(heads, candidate, questions, deps)
  return { outgoing: await signed(deps.store.signer, body), bytes: body.length, lines }
}

async function compose(
  heads: readonly Head[],
  candidate: Candidate | undefined,
  { lost, ...questions }: Awaited<ReturnType<Down['questions']>>,
  deps: ComposeDeps,
): Promise<Fitted> {
  const { store, program, app, moment, storage, pace } = deps
  const { wall, mono, session } = moment()
  // Some browsers refuse to say in private windows: that must not keep a record from going home.
  const told = await storage?.().catch(() => undefined)
  const room = lost ? { persisted: false, usage: 0, quota: 0, ...told, lost } : told
  const base: SyncRequest = {
    v: 1,
    ...(await announce(store.signer, program, heads)),
    clock: { wall, mono: Math.round(mono), session },
    ...questions,
    ...(room && { storage: room }),
    app,
  }
  if (!candidate) return { body: await pack(base), lines: 0 }
  const { stream, from } = candidate
  return fitLines(
    (count) => store.lines(stream, from, count),
    async (lines): Promise<Bytes> => {
      const head = await signedEnd(heads, stream, from + lines.length - 1, deps)
      return pack({ ...base, push: { stream, from, lines: [...lines], ...(head && { head }) } })
    },
    pace,
  )
}

/** A signature at the end of a batch that does not reach the tip: without it, no hub could pass the batch on by itself. */
async function signedEnd(
  heads: readonly Head[],
  stream: string,
  seq: number,
  { store, program }: ComposeDeps,
): Promise<[number, string, string] | undefined> {
  if (heads.some((head) => head.stream === stream && head.tip <= seq)) return undefined
  const hash = await store.hashAt(stream, seq)
  return hash === undefined ? undefined : [seq, hash, await store.signer.sign(headMessage(program, stream, seq, hash))]
}

/** As many as the link carries at once, those with something to settle first. */
export const headsOf = (streams: readonly StreamState[], { bytes }: Pick<Pace, 'bytes'>): Head[] =>
  worthAnnouncing(streams, Math.max(1, Math.floor((bytes - ENVELOPE_BYTES) / HEAD_BYTES)))

import { type Carried, MAX_PUSH_LINES, MAX_REST, MAX_SYNC_INFLATED_BYTES, type SentLine } from '../../protocol/hub.ts'
import { EMPTY_HASH } from '../../protocol/log.ts'
import type { Head, HubStore, HubStream, StreamLine } from '../store/store.ts'
import { goneOf, reasonOf } from '../verdict.ts'

/** Key, epoch, head and signature of one stream are random, and do not compress. */
const ENVELOPE_BYTES = 350
/** Text is escaped on its way: stay well clear of the limit. */
const MOST_TEXT = MAX_SYNC_INFLATED_BYTES / 4

/** One stream of a request: what is said of it, and how many lines go along. */
export interface Load {
  stream: HubStream
  carried: Carried
  lines: number
  /** Of a divided stream: the last line after the division that this takes care of. */
  through?: number
}

export interface Room {
  /** Compressed bytes that the request may have, and that a line costs. */
  bytes: number
  perLine: number
}

/** The first of them, at least one, that are not too much text for one request. */
export function withinText<T extends { line: string }>(lines: readonly T[]): T[] {
  let text = 0
  return lines.filter(({ line }, i) => {
    text += line.length
    return i === 0 || text <= MOST_TEXT
  })
}

function sentLine({ line, lineHash, verdict }: StreamLine): SentLine {
  const gone = goneOf(verdict)
  return gone ? [lineHash, gone] : line
}

const headOf = ({ seq, hash, signature }: Head): Carried['head'] => [seq, hash, signature]

/** What proves a stream to be its device's; undefined where no signed head covers any of it. */
export async function introduce(store: HubStore, program: string, stream: HubStream): Promise<Carried | undefined> {
  const head = await store.provenHead(program, stream.stream, 1, stream.proven)
  if (!head) return undefined
  const device = await store.device(program, stream.device)
  return { key: stream.device, epoch: stream.epoch, app: device?.app ?? '', head: headOf(head) }
}

/** Of the hashes from `from` to `upto`, in hex and joined. */
async function restOf(store: HubStore, program: string, stream: string, from: number, upto: number): Promise<string> {
  if (from > upto) return ''
  return (await store.positions(program, stream, from, upto)).map(({ lineHash }) => lineHash).join('')
}

/**
 * The next lines that the hub above lacks. They end at a signed head where one lies within reach; else the hashes of the
 * lines up to the next one go along.
 */
async function push(store: HubStore, program: string, stream: HubStream, most: number): Promise<Partial<Carried>> {
  const { stream: name, above, proven } = stream
  const from = above.held + 1
  const fitting = withinText(await store.lines(program, name, from, Math.min(most, proven - above.held)))
  const last = from - 1 + fitting.length
  const head = await store.provenHead(program, name, from, last)
  if (!head || fitting.length === 0 || head.seq - last > MAX_REST) return {}
  const lines = fitting.filter(({ seq }) => seq <= head.seq)
  const [before] = from === 1 ? [] : await store.positions(program, name, from - 1, from - 1)
  return {
    head: headOf(head),
    push: {
      from,
      before: before?.hash ?? EMPTY_HASH,
      lines: lines.map(sentLine),
      rest: await restOf(store, program, name, last + 1, head.seq),
      quarantine: lines.flatMap(({ seq, verdict }) => {
        const reason = reasonOf(verdict)
        return reason === undefined ? [] : [[seq, reason] satisfies [number, string]]
      }),
    },
  }
}

/** What comes after a division stands on no chain above: it goes as forked lines, to be kept apart. */
async function forked(
  store: HubStore,
  program: string,
  stream: HubStream,
  most: number,
): Promise<{ forked: NonNullable<Carried['forked']>; through: number }> {
  const lines = withinText(await store.lines(program, stream.stream, stream.above.held + 1, most))
  // What was erased here must not come to light above as an empty line.
  const there = lines.filter(({ verdict }) => !goneOf(verdict))
  return { forked: there.map(({ seq, line }) => [seq, line]), through: stream.above.held + lines.length }
}

/**
 * As many streams, with as many lines of each, as there is room for; never nothing.
 * @param asking without lines: only to hear what the hub above has.
 */
export async function compose(
  store: HubStore,
  program: string,
  streams: readonly HubStream[],
  { bytes, perLine }: Room,
  asking: boolean,
): Promise<Load[]> {
  const loads: Load[] = []
  let left = bytes
  for (const stream of streams) {
    if (loads.length > 0 && left < ENVELOPE_BYTES) break
    const carried = await introduce(store, program, stream)
    if (!carried) continue
    left -= ENVELOPE_BYTES
    const most = Math.min(MAX_PUSH_LINES, Math.max(1, Math.floor(left / perLine)))
    const { held, dividedAfter } = stream.above
    let more: Partial<Carried> = {}
    let through: number | undefined
    if (dividedAfter !== undefined) {
      const tail = held < stream.tip && !asking ? await forked(store, program, stream, most) : undefined
      through = tail?.through
      more = { upto: dividedAfter, ...(tail && { forked: tail.forked }) }
    } else if (!asking && held < stream.proven) more = await push(store, program, stream, most)
    const lines = (more.push?.lines.length ?? 0) + (more.forked?.length ?? 0)
    left -= lines * perLine
    // Of a stream that the hub above may have met elsewhere, and at each look round: what was said about it there.
    const known = (asking || held === 0) && { known: await store.knownChanges(program, stream.stream) }
    loads.push({ stream, carried: { ...carried, ...more, ...known }, lines, ...(through !== undefined && { through }) })
  }
  return loads
}

import { JikoError } from '../protocol/error.ts'
import type { SentLine } from '../protocol/hub.ts'
import { EMPTY_HASH } from '../protocol/log.ts'
import { continueChain, sentHashOf } from './chain.ts'
import type { Above, Change, Head, HubStore, NewLine } from './store/store.ts'
import { GONE, judge, judgeGone } from './verdict.ts'

/** Each lost race means that another request moved the stream on, so this is only reached when a store is broken. */
const MAX_TRIES = 50

/** What one device says of one of its streams, proven and signed. */
export interface Announcement {
  stream: string
  device: string
  epoch: string
  head: Head
  /** Lines from `from` on; `before` is H(from - 1) and `head` a signed place among them, where they are known. */
  push?: { from: number; lines: readonly SentLine[]; before?: string; head?: Head }
  /** Why a line goes to quarantine whatever it says. */
  refused?: (seq: number) => string | undefined
  /** That the device may speak as a supervisor; of what another hub carries that one has judged. */
  maySupervise?: boolean
  receivedAt: number
}

export interface Taken {
  /** How far the hub has the stream now. */
  tip: number
  hash: string
  /** A line stands elsewhere than here: a cloned or restored device. Nothing was overwritten, the other lines are kept apart. */
  forked: boolean
  above: Above
}

const NEW_STREAM = { tip: 0, hash: EMPTY_HASH, proven: 0, above: { held: 0, final: 0 } }

interface Numbered {
  seq: number
  /** Empty where only the hash was sent. */
  line: string
  lineHash: string
  gone?: keyof typeof GONE
}

function number({ from, lines }: { from: number; lines: readonly SentLine[] }): Numbered[] {
  return lines.map((sent, i) => {
    const numbered = { seq: from + i, lineHash: sentHashOf(sent) }
    return typeof sent === 'string' ? { ...numbered, line: sent } : { ...numbered, line: '', gone: sent[1] }
  })
}

type Judging = Pick<Announcement, 'refused' | 'maySupervise'>

const judged = ({ line, seq, gone }: Numbered, { refused, maySupervise }: Judging) =>
  gone ? judgeGone(gone) : judge(line, refused?.(seq), maySupervise)

/** Continues the chain over lines: H is recomputed here, never believed. */
function chain(hash: string, lines: readonly Numbered[], judging: Judging): NewLine[] {
  const chained: NewLine[] = []
  let last = hash
  for (const numbered of lines) {
    const { seq, line, lineHash } = numbered
    last = continueChain(last, lineHash)
    chained.push({ seq, line, lineHash, hash: last, ...judged(numbered, judging) })
  }
  return chained
}

/** What these lines say of other streams; also an order to erase something in their own. */
export function changesIn(stream: string, lines: readonly NewLine[], at: number): Change[] {
  return lines.flatMap(({ seq, line, lineHash, about }) => {
    if (!about || (about.stream === stream && about.erases === undefined)) return []
    const { stream: target, seq: targetSeq, erases } = about
    return [{ target, targetSeq, stream, seq, line, lineHash, ...(erases && { erases }), at, above: false }]
  })
}

/**
 * Takes in what is new of one stream: skips what is here already, refuses to bridge a gap, keeps a fork apart.
 * The same announcement any number of times, also at once, has the effect of one.
 * @throws JikoError `hub/not-your-stream` when another device owns it.
 */
export async function takeIn(store: HubStore, program: string, announcement: Announcement): Promise<Taken> {
  const { stream, device, epoch, head, push, receivedAt } = announcement
  const lines = push ? number(push) : []
  const from = push?.from ?? 1
  const heads = push?.head ? [push.head, head] : [head]
  // What the sender stands on counts like a head, though nobody signed it by itself.
  const places = push?.before === undefined ? heads : [{ seq: from - 1, hash: push.before }, ...heads]

  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const known = await store.stream(program, stream)
    if (known && known.device !== device) {
      throw new JikoError('hub/not-your-stream', `the stream ${stream} belongs to another device`)
    }
    const { tip, hash, proven, above } = known ?? NEW_STREAM
    // Only up to the tip just read: what another request adds meanwhile is met at `append`.
    const upto = Math.min(tip, from + lines.length - 1)
    const positions = upto < from ? [] : await store.positions(program, stream, from, upto)
    const here = new Map(positions.map(({ seq, lineHash }) => [seq, lineHash]))
    const lost = new Set(positions.filter(({ verdict }) => verdict === GONE.pruned).map(({ seq }) => seq))
    const strange = lines.filter(({ seq, lineHash }) => here.get(seq) !== lineHash)
    const fresh = from <= tip + 1 ? chain(hash, strange, announcement) : []
    const end = { tip, hash }
    const differ = await Promise.all(places.map((place) => isElsewhere(store, program, stream, place, end, fresh)))
    const divided = strange.some(({ seq }) => here.has(seq)) || differ.includes(true)
    if (divided) {
      await store.addForks(
        program,
        strange
          .filter(({ gone }) => gone === undefined)
          .map(({ seq, line, lineHash }) => ({ stream, receivedAt, seq, line, lineHash })),
      )
      return { tip, hash, forked: true, above }
    }
    // A device had made room and the hub it had trusted lost the line: here is somebody who has it after all.
    const found = lines.filter(({ seq, lineHash, gone }) => !gone && lost.has(seq) && here.get(seq) === lineHash)
    if (found.length > 0) {
      const restored = found.map((line) => ({ ...line, hash: '', ...judged(line, announcement) }))
      await store.addChanges(program, changesIn(stream, restored, receivedAt))
      await store.restoreLines(program, stream, restored)
    }
    const after = { seq: tip, hash }
    const last = fresh.at(-1) ?? after
    // They are not elsewhere, so our chain reaches them as far as it goes.
    const signed = heads.filter(({ seq }) => seq > proven && seq <= last.seq)
    const isNews = fresh.length > 0 || signed.length > 0 || head.seq > (known?.announced?.seq ?? 0)
    if (!isNews) return { tip, hash, forked: false, above }
    const changes = changesIn(stream, fresh, receivedAt)
    if (changes.length > 0) await store.addChanges(program, changes)
    const added = await store.append(program, {
      stream,
      device,
      epoch,
      after,
      lines: fresh,
      announced: head,
      proven: signed,
      receivedAt,
    })
    if (added) return { tip: last.seq, hash: last.hash, forked: false, above }
  }
  throw new JikoError('hub/busy', `the stream ${stream} moves on too fast: try again`)
}

/** True when the device's own H differs from ours at a place that both have, or will have with the fresh lines. */
async function isElsewhere(
  store: HubStore,
  program: string,
  stream: string,
  place: { seq: number; hash: string },
  end: { tip: number; hash: string },
  fresh: readonly NewLine[],
): Promise<boolean> {
  if (place.seq === 0) return false
  if (place.seq === end.tip) return place.hash !== end.hash
  if (place.seq > end.tip) {
    const reached = fresh.find(({ seq }) => seq === place.seq)
    return reached !== undefined && reached.hash !== place.hash
  }
  const [position] = await store.positions(program, stream, place.seq, place.seq)
  return position !== undefined && position.hash !== place.hash
}

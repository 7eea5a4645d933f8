import { type Carried, MAX_PHOTOS_ASKED, type SyncResponse } from '../../protocol/hub.ts'
import { isAbout, parseRecord } from '../../protocol/record.ts'
import type { Persist } from '../../sync/persist.ts'
import { lineHashOf } from '../chain.ts'
import { carryOutErasures } from '../erase.ts'
import type { Change, HubStore, HubStream } from '../store/store.ts'
import { ask, type ProgramDeps } from './ask.ts'
import { introduce } from './compose.ts'

/** Milliseconds that two changes may have come in above in another order than they were written there. */
const OVERLAP = 60_000
/** An answer that names so many streams may have left some out: then all are asked about. */
const MANY = 1000
const STREAMS = 16

/** Keeps what the hub above handed down; its signature was checked. */
export async function takeDown({ down }: SyncResponse, { store, program, now }: ProgramDeps): Promise<void> {
  if (!down) return
  const at = now()
  const changes = down.ops.flatMap(([stream, seq, line]): Change[] => {
    const body = parseRecord(line)
    if (!isAbout(body)) return []
    const [target = '', targetSeq] = body.ref.split('/')
    const erases = body.kind === 'erase' && { erases: body.hash }
    return [
      {
        target,
        targetSeq: Number(targetSeq),
        stream,
        seq,
        line,
        lineHash: lineHashOf(line),
        ...erases,
        at,
        above: true,
      },
    ]
  })
  await store.addChanges(program, changes)
}

async function askAbout(streams: readonly HubStream[], deps: ProgramDeps, persist: Persist, signal?: AbortSignal) {
  const { store, program } = deps
  for (let more = true; more; ) {
    const carried: Record<string, Carried> = {}
    for (const stream of streams) {
      const who = await introduce(store, program, stream)
      if (who) carried[stream.stream] = { ...who, known: await store.knownChanges(program, stream.stream) }
    }
    const answer = await persist.attempt(() => ask(carried, 0, deps, signal), signal)
    await takeDown(answer, deps)
    more = answer.down?.more ?? false
  }
}

const settingOf = (program: string): string => `down ${program}`

/** Up to when the changes above are known here, by the clock there. */
export const readSince = async (store: HubStore, program: string): Promise<number> =>
  Number((await store.setting(settingOf(program))) ?? 0)

export const forgetSince = (store: HubStore, program: string): Promise<void> =>
  store.setSetting(settingOf(program), '0')

/** Which of the attachments that the hub above has are safe at the root. */
async function confirmPhotos(deps: ProgramDeps, persist: Persist, signal?: AbortSignal): Promise<void> {
  const { store, program } = deps
  for (let after: string | undefined; ; ) {
    const asked = await store.blobsToConfirm(program, {
      limit: MAX_PHOTOS_ASKED,
      ...(after !== undefined && { after }),
    })
    if (asked.length === 0) return
    const { photos } = await persist.attempt(() => ask({}, 0, deps, signal, asked), signal)
    for (const sha256 of photos?.final ?? []) {
      if (asked.includes(sha256)) await store.noteBlobAbove(program, sha256, 'final')
    }
    after = asked.at(-1)
  }
}

/**
 * Hears what was said above about the streams that this hub carries, and which attachments the root has.
 * @param idle nothing else is to be asked: a question for this alone is worth it now and then.
 * @throws JikoError `sync/...`
 */
export async function pullDown(
  deps: ProgramDeps,
  idle: boolean,
  persist: Persist,
  signal?: AbortSignal,
): Promise<void> {
  const { store, blobs, signer, program, news } = deps
  await confirmPhotos(deps, persist, signal)
  const carries = (await store.carryable(program, { settled: true, limit: 1 })).length > 0
  if (news.time === undefined && idle && carries) await persist.attempt(() => ask({}, 0, deps, signal), signal)
  if (news.time === undefined) return
  const named =
    news.changed.size < MANY
      ? (await Promise.all([...news.changed].sort().map((stream) => store.stream(program, stream)))).filter(
          (one) => one !== undefined,
        )
      : await store.streams(program)
  for (let i = 0; i < named.length; i += STREAMS) await askAbout(named.slice(i, i + STREAMS), deps, persist, signal)
  const next = Math.max(0, news.time - OVERLAP)
  if (next !== news.since) await store.setSetting(settingOf(program), String(next))
  await carryOutErasures({ store, blobs, authority: signer.key }, program)
}

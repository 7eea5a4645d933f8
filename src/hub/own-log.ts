import { randomBytes, toBase64Url } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import { EMPTY_HASH, headMessage, recordId, streamId } from '../protocol/log.ts'
import { parseRecord, type RecordBody, type Role } from '../protocol/record.ts'
import type { Signer } from '../protocol/sign.ts'
import { continueChain, lineHashOf } from './chain.ts'
import { changesIn } from './intake.ts'
import type { HubStore } from './store/store.ts'
import { judge } from './verdict.ts'

/** Each lost race means that another line was written at the same time, so this is only reached when a store is broken. */
const MAX_TRIES = 50

/** What somebody at the hub says about a record. */
export type HubChange =
  | {
      kind: 'correction'
      ref: string
      patch: Record<string, string | number | boolean | null>
      base: readonly string[]
    }
  | { kind: 'retract' | 'erase'; ref: string }
  | { kind: 'note'; ref: string; text: string }

export interface HubLogDeps {
  store: HubStore
  signer: Signer
  /** Milliseconds since 1970. */
  now: () => number
  version: string
}

/** The hub's own log, like a phone's: what its reviewers say goes up and down as lines that its key has signed. */
export interface HubLog {
  /**
   * @param actor who says it, as the hub knows them.
   * @throws JikoError `hub/bad-request`, `hub/no-record` when an order to erase names no line that is here.
   */
  append(program: string, change: HubChange, actor: string, role?: Role): Promise<string>
}

export function createHubLog({ store, signer, now, version }: HubLogDeps): HubLog {
  const own = new Map<string, Promise<{ stream: string; epoch: string }>>()

  /**
   * A stream of this process alone, begun with its first line: a hub restored from a backup never gives a number twice, and
   * two processes of one hub do not write one stream.
   */
  function open(program: string): Promise<{ stream: string; epoch: string }> {
    const epoch = toBase64Url(randomBytes(16))
    const opened = own.get(program) ?? streamId(signer.key, epoch).then((stream) => ({ stream, epoch }))
    own.set(program, opened)
    return opened
  }

  async function complete(program: string, change: HubChange): Promise<HubChange & { hash?: string }> {
    if (change.kind !== 'erase') return change
    const [stream = '', seq] = change.ref.split('/')
    const [position] = await store.positions(program, stream, Number(seq), Number(seq))
    if (position) return { ...change, hash: position.lineHash }
    throw new JikoError('hub/no-record', `there is no record ${change.ref.slice(0, 40)} here to erase`)
  }

  return {
    async append(program, change, actor, role = 'supervisor') {
      const at = now()
      const moment = { wall: at, mono: 0, session: 'hub', zone: 0 }
      const [, target = ''] = /^([a-z2-7]{16})\//.exec(change.ref) ?? []
      const latest = (await store.changes(program, target, { known: {}, limit: 1000 })).map(({ line }) =>
        clockOf(parseRecord(line)),
      )
      const clock = Math.max(at, ...latest.map((seen) => seen + 1))
      const body = { v: 1, ...(await complete(program, change)), at: moment, actor, role, clock }
      const line = JSON.stringify(body)
      const { verdict, ...judged } = judge(line, undefined)
      if (!judged.about) throw new JikoError('hub/bad-request', `this cannot be said of a record: ${verdict}`)
      await store.seeDevice(program, { key: signer.key, app: `hub ${version}`, at })
      for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
        const { stream, epoch } = await open(program)
        const state = await store.stream(program, stream)
        const after = { seq: state?.tip ?? 0, hash: state?.hash ?? EMPTY_HASH }
        const seq = after.seq + 1
        const lineHash = lineHashOf(line)
        const hash = continueChain(after.hash, lineHash)
        const head = { seq, hash, signature: await signer.sign(headMessage(program, stream, seq, hash)) }
        const lines = [{ seq, line, lineHash, hash, verdict, ...judged }]
        await store.addChanges(program, changesIn(stream, lines, at))
        const segment = {
          stream,
          device: signer.key,
          epoch,
          after,
          lines,
          announced: head,
          proven: [head],
          receivedAt: at,
        }
        if (await store.append(program, segment)) return recordId(stream, seq)
      }
      throw new JikoError('hub/busy', 'the log of this hub moves on too fast: try again')
    },
  }
}

const clockOf = (body: RecordBody): number => ('clock' in body ? (body.clock ?? 0) : 0)

import { isAbort, sleep as realSleep } from '../../lib/abort.ts'
import { JikoError } from '../../protocol/error.ts'
import { createPace, type Pace } from '../../sync/pace.ts'
import { createPersist } from '../../sync/persist.ts'
import { createShared } from '../../sync/shared.ts'
import { createTrust, type Trust } from '../../sync/trust.ts'
import type { ForwardDeps, ProgramDeps } from './ask.ts'
import { forwardBlobs } from './blobs.ts'
import { forgetSince, pullDown, readSince } from './down.ts'
import { forwardRecords } from './records.ts'

/** How often streams of which nothing is lacking above are asked about all the same, some at a time, in turn. */
const AUDIT_EVERY = 30 * 60_000
const AUDITED = 16

export interface ForwardStatus {
  /** True when nothing waits that can be passed on. */
  done: boolean
  /** Milliseconds since 1970 of the last answer from the hub above. */
  lastContact?: number
  lastError?: string
  lastMessage?: string
  /** Milliseconds that the hub above wants to be left alone. */
  retryAfter?: number
}

export interface ForwardOptions extends Omit<ForwardDeps, 'hubUrl'> {
  /** Address of the hub above. */
  upstream: string
  /** Its public key, where it is known beforehand or was changed; else the one that answers first is believed from then on. */
  upstreamKey?: string
  random?: () => number
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
}

/** The one that passes on what this hub takes in. */
export interface Forwarder {
  /** Passes on all that waits, records before attachments. Calls during a run join it. Resolves whether it went well or not. */
  now(options?: { signal?: AbortSignal }): Promise<ForwardStatus>
  status(): ForwardStatus
}

/** @throws JikoError `hub/bad-upstream`. */
function parseUpstream(text: string): string {
  const url = URL.parse(text)
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.search && !url.hash) {
    return url.href.endsWith('/') ? url.href : `${url.href}/`
  }
  throw new JikoError('hub/bad-upstream', `${JSON.stringify(text.slice(0, 100))} is not the http(s) address of a hub`)
}

/** Passes records, forks and attachments on to the hub above, by the same endpoint that phones use. */
export function createForwarder(options: ForwardOptions): Forwarder {
  const { upstream, upstreamKey, random = Math.random, sleep = realSleep, ...rest } = options
  const { store, now } = options
  const hubUrl = parseUpstream(upstream)
  const paces = new Map<string, Pace>()
  const audits = new Map<string, { at: number; after: string }>()
  const heard = new Map<string, number>()
  let outlook: ForwardStatus = { done: false }

  function depsOf(program: string): ProgramDeps {
    const pace = paces.get(program) ?? createPace()
    paces.set(program, pace)
    const settings = {
      getSetting: (name: string) => store.setting(name),
      setSetting: (name: string, value: unknown) => store.setSetting(name, String(value)),
    }
    const trust = createTrust(settings, hubUrl, program)
    const check: typeof trust.check = async (answer) => {
      await trust.check(answer)
      outlook = { ...outlook, lastContact: now() }
    }
    return { ...rest, hubUrl, program, pace, trust: { ...trust, check }, news: { since: 0, changed: new Set() } }
  }

  /** What was noted of another hub says nothing of this one. */
  async function meet(program: string, { confirm }: Trust): Promise<void> {
    if (upstreamKey !== undefined) await confirm(upstreamKey)
    const name = `above ${program}`
    if ((await store.setting(name)) === hubUrl) return
    await store.forgetAbove(program)
    await forgetSince(store, program)
    await store.setSetting(name, hubUrl)
  }

  async function auditOf(program: string) {
    const last = audits.get(program)
    if (last && now() - last.at < AUDIT_EVERY) return []
    const after = last?.after ?? ''
    const streams = await store.carryable(program, { after, settled: true, limit: AUDITED })
    audits.set(program, { at: now(), after: streams.length < AUDITED ? '' : (streams.at(-1)?.stream ?? '') })
    // What is not settled is asked about anyway, as its lines are sent.
    return streams.filter(({ proven, above }) => above.final >= proven || above.dividedAfter !== undefined)
  }

  const run = createShared(async (signal) => {
    const failures: JikoError[] = []
    for (const program of await store.programs()) {
      const deps = depsOf(program)
      const persist = createPersist(sleep, random)
      try {
        await meet(program, deps.trust)
        deps.news.since = await readSince(store, program)
        await forwardRecords(await auditOf(program), deps, persist, signal)
        await forwardBlobs(deps, persist, signal)
        await pullDown(deps, now() - (heard.get(program) ?? Number.NEGATIVE_INFINITY) >= AUDIT_EVERY, persist, signal)
        heard.set(program, now())
      } catch (error) {
        if (!(error instanceof JikoError)) throw error
        failures.push(error)
      }
    }
    outlook = await look(failures[0])
    return !outlook.done && failures.length === 0
  })

  async function look(failure: JikoError | undefined): Promise<ForwardStatus> {
    const { lastContact } = outlook
    const retryAfter = failure?.detail.retryAfter
    return {
      done: failure === undefined && !(await waits()),
      ...(lastContact !== undefined && { lastContact }),
      ...(failure && { lastError: failure.code, lastMessage: failure.message }),
      ...(typeof retryAfter === 'number' && { retryAfter }),
    }
  }

  async function waits(): Promise<boolean> {
    for (const program of await store.programs()) {
      if ((await store.carryable(program, { limit: 1 })).length > 0) return true
      if ((await store.blobsToForward(program, 1)).length > 0) return true
      if ((await store.blobsToConfirm(program, { limit: 1 })).length > 0) return true
      if ((await store.forksToForward(program, 1)).length > 0) return true
    }
    return false
  }

  return {
    async now({ signal } = {}) {
      try {
        await run(signal)
      } catch (error) {
        if (isAbort(error) && signal?.aborted) throw error
        outlook = { ...outlook, done: false, lastError: 'hub/internal', lastMessage: String(error) }
        throw error
      }
      return outlook
    },
    status: () => outlook,
  }
}

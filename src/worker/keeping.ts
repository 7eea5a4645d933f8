import { allowance, type Budget, createSpender, isMetered } from '../packs/budget.ts'
import type { LinkFacts } from '../packs/cost.ts'
import { noteEvicted } from '../packs/evicted.ts'
import { createGovernor } from '../packs/governor.ts'
import { openLedger } from '../packs/ledger.ts'
import { type NoteStore, readNote } from '../packs/notes.ts'
import { createRateMeter, type RateMeter } from '../packs/rate.ts'
import type { PackStore } from '../packs/store.ts'
import { JikoError } from '../protocol/error.ts'
import type { DataUse, InstallOptions } from '../protocol/worker.ts'

export { exportBlob, openBundle } from '../packs/bundle.ts'

const BUDGET = 'budget'
const RATE = 'rate'
/** A link of yesterday says little about today's. */
const RATE_LIFE = 86_400_000
/** Fewer bytes measure the delay of a request rather than the link. */
const MEASURABLE = 65_536

export interface KeepingDeps {
  store: PackStore & NoteStore
  link(): LinkFacts
  now?: () => number
  /** Milliseconds of a clock that never goes back. */
  tick?: () => number
}

/**
 * What packs cost a person in data and in room. With all it exports it is a file of its own, loaded by the worker when
 * first needed: the shell opens without it.
 */
export async function openKeeping({ store, link, now = Date.now, tick = () => performance.now() }: KeepingDeps) {
  const ledger = await openLedger(store, now)
  const open = new Set<string>()
  let budget: Budget = {}
  let rate = await readNote(store, RATE, parseRate)
  let measuring: { meter: RateMeter; bytes: number } | undefined
  /** Installs under way that a person wanted whatever they cost. */
  let unlimited = 0

  const readBudget = async (): Promise<Budget> => (await readNote(store, BUDGET, parseBudget)) ?? {}
  const gone: string[] = []
  const governor = createGovernor({ store, now, onEvict: (name) => gone.push(name) })

  const spend = createSpender({ budget: () => (unlimited > 0 ? {} : budget), ledger, link })

  /** How fast the link was while something came. */
  async function measured<T>(work: () => Promise<T>): Promise<T> {
    const mine = { meter: createRateMeter(tick), bytes: 0 }
    measuring = mine
    try {
      return await work()
    } finally {
      const bytesPerSecond = mine.meter.bytesPerSecond()
      if (bytesPerSecond && mine.bytes >= MEASURABLE) {
        rate = { bytesPerSecond, at: now() }
        await store.putNote(RATE, JSON.stringify(rate)).catch(() => undefined)
      }
    }
  }

  return {
    /** For an installer's `spend`. */
    spend(bytes: number, pack: string): void {
      measuring?.meter.add(bytes)
      if (measuring) measuring.bytes += bytes
      spend(bytes, pack)
    },
    /** What is known about the link, with what was measured of it lately. */
    link: (): LinkFacts =>
      rate && Math.abs(now() - rate.at) < RATE_LIFE ? { ...link(), bytesPerSecond: rate.bytesPerSecond } : link(),
    /** Bytes that are too few to be limited: the list of packs. */
    count: (bytes: number): void => ledger.add(bytes, ''),

    /** A session of the pack is open from now on: it is used, and stays when room is made. */
    async opened(name: string): Promise<void> {
      open.add(name)
      // A note of when it was used is worth less than the answer that waits for it.
      await governor.touch(name).catch(() => undefined)
    },
    closed: (name: string): void => void open.delete(name),

    /** Frees bytes by taking packs away; `forPack` stays. Without one it is for records, before which even pinned packs go. */
    async makeRoom(bytes: number, forPack?: string): Promise<number> {
      const keep = [...open, ...(forPack === undefined ? [] : [forPack])]
      const freed = await governor.makeRoom(bytes, { keep, pinned: forPack === undefined })
      await noteEvicted(store, gone.splice(0))
      return freed
    },

    async usage(): Promise<DataUse> {
      await ledger.refresh()
      const { perMonth } = await readBudget()
      return {
        today: ledger.today(),
        month: ledger.thisMonth(),
        metered: isMetered(link()),
        ...(perMonth !== undefined && { perMonth }),
      }
    },
    async setBudget(perMonth?: number): Promise<void> {
      budget = perMonth === undefined ? {} : { perMonth }
      await store.putNote(BUDGET, JSON.stringify(budget))
    },

    /**
     * Runs a download within the budget, and writes its bytes down.
     * @throws JikoError `download/over-budget` before a byte is fetched, when it would not fit.
     */
    async within<T>({ anyway = false, bytes = 0 }: InstallOptions, work: () => Promise<T>): Promise<T> {
      budget = await readBudget()
      await ledger.refresh()
      const left = allowance(budget, ledger)
      if (!anyway && (left <= 0 || bytes > left)) {
        throw new JikoError('download/over-budget', `It needs ${bytes} bytes, the data budget has ${left} left.`, {
          detail: { bytes, left, month: ledger.thisMonth() },
        })
      }
      if (anyway) unlimited += 1
      try {
        return await measured(work)
      } finally {
        if (anyway) unlimited -= 1
        await ledger.flush().catch(() => undefined)
      }
    },
  }
}
export type Keeping = Awaited<ReturnType<typeof openKeeping>>

function parseBudget(value: unknown): Budget {
  const { perMonth } = value as Budget
  return typeof perMonth === 'number' && perMonth >= 0 ? { perMonth } : {}
}

function parseRate(value: unknown): { bytesPerSecond: number; at: number } {
  const { bytesPerSecond, at } = value as Record<string, unknown>
  if (typeof bytesPerSecond !== 'number' || typeof at !== 'number' || !(bytesPerSecond > 0)) {
    throw new TypeError('not a rate')
  }
  return { bytesPerSecond, at }
}

import { allowance, checkFree, createSpender, isMetered } from '../packs/budget.ts'
import { freeRoom, type LinkFacts, secondsFor } from '../packs/cost.ts'
import { noteEvicted } from '../packs/evicted.ts'
import { createGovernor } from '../packs/governor.ts'
import { openLedger } from '../packs/ledger.ts'
import { type NoteStore, readNote } from '../packs/notes.ts'
import { createRateMeter, isFresh, type RateMeter, readRate, writeRate } from '../packs/rate.ts'
import type { PackStore } from '../packs/store.ts'
import { JikoError } from '../protocol/error.ts'
import type { Budget, DataUse, InstallOptions, Progress } from '../protocol/worker.ts'

export { exportBlob, openBundle } from '../packs/bundle.ts'

const BUDGET = 'budget'
/** Fewer bytes measure the delay of a request rather than the link. */
const MEASURABLE = 65_536
/** Less time measures what the buffers on the way held. */
const TELLING_MS = 2000
/** A kill leaves the rate at most so old: the next start can say at once how long the rest will take. */
const NOTED_EVERY_MS = 10_000

export interface KeepingDeps {
  store: PackStore & NoteStore
  link(): LinkFacts
  estimate?: () => Promise<{ usage?: number; quota?: number }>
  now?: () => number
  /** Milliseconds of a clock that never goes back. */
  tick?: () => number
}

/** A download whose rate is being measured. */
interface Measuring {
  meter: RateMeter
  bytes: number
  /** By the clock that never goes back. */
  begun: number
  noted: number
}

/**
 * What packs cost a person in data and in room. With all it exports it is a file of its own, loaded by the worker when
 * first needed: the shell opens without it.
 */
export async function openKeeping({
  store,
  link,
  estimate,
  now = Date.now,
  tick = () => performance.now(),
}: KeepingDeps) {
  const ledger = await openLedger(store, now)
  const open = new Set<string>()
  let budget: Budget = {}
  let rate = await readRate(store, now())
  let measuring: Measuring | undefined
  /** Installs under way that a person wanted whatever they cost. */
  let unlimited = 0

  const readBudget = async (): Promise<Budget> => (await readNote(store, BUDGET, parseBudget)) ?? {}
  const gone: string[] = []
  const governor = createGovernor({ store, now, onEvict: (name) => gone.push(name) })

  const spend = createSpender({ budget: () => (unlimited > 0 ? {} : budget), ledger, link })

  /** What is known about the link, with what was measured of it lately. */
  const known = (): LinkFacts =>
    rate && isFresh(rate, now()) ? { ...link(), bytesPerSecond: rate.bytesPerSecond } : link()

  async function noteRate(mine: Measuring): Promise<void> {
    const bytesPerSecond = mine.meter.bytesPerSecond()
    if (!bytesPerSecond || mine.bytes < MEASURABLE) return
    mine.noted = tick()
    rate = { bytesPerSecond, at: now() }
    await writeRate(store, rate).catch(() => undefined)
  }

  /** How fast the link was while something came. */
  async function measured<T>(work: () => Promise<T>): Promise<T> {
    const begun = tick()
    const mine = { meter: createRateMeter(tick), bytes: 0, begun, noted: begun }
    measuring = mine
    try {
      return await work()
    } finally {
      await noteRate(mine)
    }
  }

  return {
    /** For an installer's `spend`. */
    spend(bytes: number, pack: string): void {
      if (measuring) {
        measuring.meter.add(bytes)
        measuring.bytes += bytes
        if (tick() - measuring.noted >= NOTED_EVERY_MS) void noteRate(measuring)
      }
      spend(bytes, pack)
    },
    link: known,
    /** A download's progress, with its rate and the time that is left. */
    timed(progress: Progress): Progress {
      if (progress.phase !== 'download') return progress
      const telling = measuring && tick() - measuring.begun >= TELLING_MS
      const bytesPerSecond = telling ? measuring?.meter.bytesPerSecond() : undefined
      const secondsLeft = secondsFor(progress.total - progress.done, {
        ...known(),
        ...(bytesPerSecond && { bytesPerSecond }),
      })
      return {
        ...progress,
        ...(bytesPerSecond && { bytesPerSecond }),
        ...(secondsLeft !== undefined && { secondsLeft }),
      }
    },
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
      const free = await freeRoom(estimate)
      return {
        ...(await readBudget()),
        today: ledger.today(),
        month: ledger.thisMonth(),
        metered: isMetered(link()),
        ...(free !== undefined && { free }),
      }
    },
    async setBudget(wanted: Budget): Promise<void> {
      budget = parseBudget(wanted)
      await store.putNote(BUDGET, JSON.stringify(budget))
    },

    /**
     * Runs a download within the budget, and writes its bytes down.
     * @throws JikoError before a byte is fetched: `download/over-budget` when it would not fit, `download/metered` in the
     * background where data is to be saved.
     */
    async within<T>(
      { anyway = false, bytes = 0, background = false }: InstallOptions,
      work: () => Promise<T>,
    ): Promise<T> {
      if (background && link().saveData) {
        throw new JikoError('download/metered', 'The browser saves data: what nobody waits for is not fetched.')
      }
      budget = await readBudget()
      await ledger.refresh()
      if (!anyway) checkFree(budget, link())
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
  const { perDay, perMonth, unmeteredOnly } = value as Budget
  const isLimit = (bytes: unknown): boolean => typeof bytes === 'number' && bytes >= 0
  return {
    ...(isLimit(perDay) && { perDay }),
    ...(isLimit(perMonth) && { perMonth }),
    ...(unmeteredOnly === true && { unmeteredOnly }),
  } as Budget
}

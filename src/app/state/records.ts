import { type ReadonlySignal, signal } from '@preact/signals'
import type { HistoryEntry, Kit } from '../../client/kit.ts'
import { createSerial } from '../../lib/serial.ts'

const PAGE = 30

export interface Records {
  /** Newest first; undefined until first read. */
  readonly entries: ReadonlySignal<readonly HistoryEntry[] | undefined>
  readonly more: ReadonlySignal<boolean>
  readonly error: ReadonlySignal<unknown>
  loadMore(): Promise<void>
  /** Looks through older pages too; undefined when this phone has no such record. */
  find(id: string): Promise<HistoryEntry | undefined>
  stop(): void
}

/** The records on screen, kept as fresh as the store says. */
export function createRecords(kit: Pick<Kit, 'records'>): Records {
  const entries = signal<readonly HistoryEntry[] | undefined>(undefined)
  const more = signal(false)
  const error = signal<unknown>(undefined)
  const serial = createSerial()
  let stale = false

  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      error.value = undefined
    } catch (reason) {
      error.value = reason
    }
  }
  async function reload(): Promise<void> {
    stale = false
    const limit = Math.max(PAGE, entries.value?.length ?? 0)
    // One more than is shown tells whether there are older ones.
    const list = await kit.records.list({ limit: limit + 1 })
    more.value = list.length > limit
    entries.value = list.slice(0, limit)
  }
  async function append(): Promise<void> {
    const known = entries.value ?? []
    const last = known.at(-1)
    const list = await kit.records.list({ limit: PAGE + 1, ...(last && { before: last.id }) })
    more.value = list.length > PAGE
    entries.value = [...known, ...list.slice(0, PAGE)]
  }
  /** Many changes in a row (a batch acknowledged) cost one read. */
  function refresh(): Promise<void> {
    if (stale) return Promise.resolve()
    stale = true
    return serial(() => guarded(reload))
  }
  const loadMore = (): Promise<void> => serial(() => guarded(append))
  const unsubscribe = kit.records.subscribe(() => void refresh())
  void refresh()

  return {
    entries,
    more,
    error,
    loadMore,
    async find(id) {
      const here = (): HistoryEntry | undefined => entries.value?.find((entry) => entry.id === id)
      // Whatever is under way first: it may bring the record.
      await serial(async () => undefined)
      while (!here() && more.value && error.value === undefined) await loadMore()
      return here()
    },
    stop: unsubscribe,
  }
}

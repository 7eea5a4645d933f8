import type { HistoryEntry, Kit } from '../../client/kit.ts'
import { createSignal, type Signal } from '../../client/signal.ts'
import { createSerial } from '../../lib/serial.ts'

const PAGE = 30

export interface Records {
  /** Newest first; undefined until first read. */
  readonly entries: Signal<readonly HistoryEntry[] | undefined>
  readonly more: Signal<boolean>
  /** Whether there are any; undefined until that is known. */
  readonly some: Signal<boolean | undefined>
  readonly error: Signal<unknown>
  /** Resolves when the newest were read, or could not be. */
  readonly first: Promise<void>
  loadMore(): Promise<void>
  /** Looks through older pages too; undefined when this phone has no such record. */
  find(id: string): Promise<HistoryEntry | undefined>
  stop(): void
}

/**
 * The records on screen, kept as fresh as the store says: those of one person where several use the phone.
 * @param someBefore whether there were any last time: believed until they have been read
 */
export function createRecords(
  kit: Pick<Kit, 'records'>,
  person: Signal<string | undefined> = createSignal<string | undefined>(undefined),
  someBefore?: boolean,
): Records {
  const entries = createSignal<readonly HistoryEntry[] | undefined>(undefined)
  const more = createSignal(false)
  const some = createSignal(someBefore)
  const error = createSignal<unknown>(undefined)
  const serial = createSerial()
  const theirs = (): { actor?: string } => (person.value === undefined ? {} : { actor: person.value })
  let stale = false
  let begun = false

  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      error.set(undefined)
    } catch (reason) {
      error.set(reason)
    }
  }
  async function reload(): Promise<void> {
    stale = false
    const limit = Math.max(PAGE, entries.value?.length ?? 0)
    // One more than is shown tells whether there are older ones.
    const asked = person.value
    const list = await kit.records.list({ limit: limit + 1, ...theirs() })
    if (person.value !== asked) return
    more.set(list.length > limit)
    some.set(list.length > 0)
    entries.set(list.slice(0, limit))
  }
  async function append(): Promise<void> {
    const known = entries.value ?? []
    const last = known.at(-1)
    const list = await kit.records.list({ limit: PAGE + 1, ...theirs(), ...(last && { before: last.id }) })
    more.set(list.length > PAGE)
    entries.set([...known, ...list.slice(0, PAGE)])
  }
  /** Many changes in a row (a batch acknowledged) cost one read. */
  function refresh(): Promise<void> {
    if (stale) return Promise.resolve()
    stale = true
    return serial(() => guarded(reload))
  }
  const loadMore = (): Promise<void> => serial(() => guarded(append))
  const stops = [kit.records.subscribe(() => void refresh())]
  let first = Promise.resolve()
  // Another person's answers must not stay on screen until the list has been read. Called at once, too.
  stops.push(
    person.subscribe(() => {
      entries.set(undefined)
      if (begun) some.set(undefined)
      begun = true
      first = refresh()
    }),
  )

  return {
    entries,
    more,
    some,
    error,
    first,
    loadMore,
    async find(id) {
      const here = (): HistoryEntry | undefined => entries.value?.find((entry) => entry.id === id)
      // Whatever is under way first: it may bring the record.
      await serial(async () => undefined)
      while (!here() && more.value && error.value === undefined) await loadMore()
      return here()
    },
    stop() {
      for (const stop of stops) stop()
    },
  }
}

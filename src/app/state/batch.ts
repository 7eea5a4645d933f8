import type { Circumstances, HistoryEntry, Kit, OpenPack } from '../../client/kit.ts'
import { createSignal, type Signal } from '../../client/signal.ts'
import { isAbort } from '../../lib/abort.ts'
import { randomBytes, toBase32 } from '../../lib/bytes.ts'
import type { BatchStore } from './batch-store.ts'
import { pagesOf } from './find.ts'

export interface BatchItem {
  at: number
  name: string
  /** `lost`: the page was killed before it could be kept. */
  state: 'waiting' | 'answered' | 'failed' | 'lost'
  entry?: HistoryEntry
  error?: unknown
}

export interface Batch {
  id: string
  pack: string
  items: readonly BatchItem[]
  /** `kept`: of a page that was killed; it goes on when somebody says so. */
  state: 'running' | 'done' | 'kept'
  /** Why none of those that wait can be answered now. */
  error?: unknown
}

export interface Batches {
  readonly current: Signal<Batch | undefined>
  /** Begins with these; where a batch of the same pack is on, they are added to it. */
  add(pack: string, files: readonly Blob[]): Promise<void>
  /** Goes on with those that wait. */
  resume(): Promise<void>
  /** Lets go of those that wait; what is answered is in the history. */
  stop(): Promise<void>
  /** Brings back what was waiting when the page was killed. */
  restore(): Promise<void>
}

export interface BatchOptions {
  kit: Pick<Kit, 'open' | 'records'>
  store: BatchStore
  circumstances(): Circumstances | Promise<Circumstances>
  /** Whether what a pack is given may be written down as it is: not where faces are to be hidden first. */
  mayKeep?(pack: string): boolean
  /** Told how many wait: the next start asks about them. */
  onWaiting(count: number): void
}

/** Further back no batch that was cut off is looked for. */
const MOST_PAGES = 10

const nameOf = (file: Blob): string => (file instanceof File ? file.name : '')
export const waitingIn = (batch: Batch): readonly BatchItem[] => batch.items.filter(({ state }) => state === 'waiting')

/** Many photos, answered one after the other, each a record of its own that exists exactly once whenever the page dies. */
export function createBatches({ kit, store, circumstances, mayKeep = () => true, onWaiting }: BatchOptions): Batches {
  const current = createSignal<Batch | undefined>(undefined)
  let files = new Map<number, Blob>()
  let controller = new AbortController()
  let running: Promise<void> | undefined

  function set(batch: Batch | undefined): void {
    current.set(batch)
    onWaiting(batch ? waitingIn(batch).length : 0)
  }
  const patch = (change: Partial<Batch>): void => {
    if (current.value) set({ ...current.value, ...change })
  }
  function settle(at: number, change: Omit<BatchItem, 'at' | 'name'>): void {
    const batch = current.value
    if (batch) set({ ...batch, items: batch.items.map((item) => (item.at === at ? { ...item, ...change } : item)) })
    files.delete(at)
  }
  const plan = (batch: Batch): Promise<void> =>
    store.plan({
      id: batch.id,
      pack: batch.pack,
      files: batch.items.map(({ at, name }) => ({ name, type: files.get(at)?.type ?? '' })),
    })

  const toAsk = (): readonly BatchItem[] =>
    current.value ? waitingIn(current.value).filter(({ at }) => files.has(at)) : []

  async function run(batch: Batch, signal: AbortSignal): Promise<void> {
    const asked: number[] = []
    const where = await circumstances()
    /** Those that wait, also those that are added meanwhile. */
    async function* inputs(): AsyncGenerator<Blob> {
      for (;;) {
        const next = toAsk().find(({ at }) => !asked.includes(at))
        const file = next && files.get(next.at)
        if (!file) return
        asked.push(next.at)
        yield file
      }
    }
    const pack: OpenPack = await kit.open(batch.pack, { signal })
    const options = {
      signal,
      circumstances: (i: number) => ({ ...where, batch: { id: batch.id, at: asked[i] ?? 0 } }),
    }
    for await (const done of pack.runAll(inputs(), options)) {
      const at = asked[done.at] ?? 0
      if (signal.aborted) return
      if ('record' in done) settle(at, { state: 'answered', entry: done.record })
      else settle(at, { state: 'failed', error: done.error })
      await store.drop(at)
    }
  }

  async function resume(): Promise<void> {
    if (running || !current.value) return running
    controller = new AbortController()
    const { signal } = controller
    const { error: _, ...batch } = current.value
    set({ ...batch, state: 'running' })
    const all = async (): Promise<void> => {
      // Some may have been added just when the last one was answered.
      while (!signal.aborted && toAsk().length > 0) await run(batch, signal)
      if (!signal.aborted) await store.clear()
    }
    running = all()
      .catch((error) => (isAbort(error) ? undefined : patch({ error })))
      .finally(() => {
        running = undefined
        if (!signal.aborted) patch({ state: 'done' })
      })
    await running
  }

  return {
    current,
    async add(pack, given) {
      const before = current.value
      if (before && (before.pack !== pack || before.state !== 'running')) {
        controller.abort()
        await running
        await store.clear()
      }
      const goesOn = before?.pack === pack && before.state === 'running' ? before : undefined
      if (!goesOn) files = new Map()
      const first = goesOn?.items.length ?? 0
      for (const [i, file] of given.entries()) files.set(first + i, file)
      const items = given.map((file, i) => ({ at: first + i, name: nameOf(file), state: 'waiting' as const }))
      const id = goesOn?.id ?? toBase32(randomBytes(10))
      const batch: Batch = { id, pack, state: 'running', items: [...(goesOn?.items ?? []), ...items] }
      set(batch)
      const working = resume()
      await plan(batch)
      for (const { at } of items) {
        const file = files.get(at)
        // Answered before it was kept: then there is nothing to keep it for.
        if (file && current.value?.id === id && mayKeep(pack)) await store.keep(at, file)
        if (!files.has(at)) await store.drop(at)
      }
      await working
    },
    resume,
    async stop() {
      controller.abort()
      await running
      const batch = current.value
      if (batch) set({ ...batch, state: 'done', items: batch.items.filter(({ state }) => state !== 'waiting') })
      files.clear()
      await store.clear()
    },
    async restore() {
      if (current.value) return
      const kept = await store.load()
      if (!kept) return onWaiting(0)
      const { plan: planned, files: waiting } = kept
      const answered = new Map<number, HistoryEntry>()
      let pages = 0
      for await (const page of pagesOf(kit.records.list)) {
        for (const entry of page) if (entry.body.batch?.id === planned.id) answered.set(entry.body.batch.at, entry)
        pages += 1
        if (pages === MOST_PAGES) break
      }
      files = new Map([...waiting].filter(([at]) => !answered.has(at)))
      const items = planned.files.map(({ name }, at): BatchItem => {
        const entry = answered.get(at)
        if (entry) return { at, name, state: 'answered', entry }
        return { at, name, state: files.has(at) ? 'waiting' : 'lost' }
      })
      set({ id: planned.id, pack: planned.pack, state: 'kept', items })
    },
  }
}

import type { HistoryEntry, Kit, OpenPack } from '../../client/kit.ts'
import { createSignal, type Signal } from '../../client/signal.ts'
import { isAbort, raceAbort } from '../../lib/abort.ts'
import { createMemo } from '../../lib/memo.ts'
import type { Progress } from '../../protocol/worker.ts'
import type { DraftStore } from './draft.ts'
import type { Navigation } from './navigation.ts'

/** One photo on its way to an answer. */
export type Attempt =
  | { state: 'none' }
  /** A photo of an earlier visit, kept because the page was killed before it had a record. */
  | { state: 'kept'; pack: string; photo: Blob }
  | { state: 'working'; pack: string; photo: Blob; step: 'opening' | 'looking'; progress?: Progress }
  | { state: 'failed'; pack: string; photo: Blob; error: unknown }

export interface Attempts {
  readonly current: Signal<Attempt>
  /** The record just made: its screen says "saved", and need not wait for the list. */
  readonly fresh: Signal<HistoryEntry | undefined>
  /** Packs opened in this visit. */
  readonly opened: Signal<readonly OpenPack[]>
  begin(pack: string, photo: Blob): Promise<void>
  cancel(): void
  /** Leaves a failed or kept photo for good. */
  discard(): void
  /** Brings back a photo that was chosen before the page was killed. */
  restore(): Promise<void>
  /** After a pack changed or went: the next photo opens it anew. */
  forget(pack: string): void
}

export interface AttemptOptions {
  kit: Pick<Kit, 'open'>
  drafts: DraftStore
  navigation: Navigation
}

export function createAttempts({ kit, drafts, navigation }: AttemptOptions): Attempts {
  const current = createSignal<Attempt>({ state: 'none' })
  const fresh = createSignal<HistoryEntry | undefined>(undefined)
  const opened = createSignal<readonly OpenPack[]>([])
  let controller = new AbortController()

  const memo = createMemo<string, OpenPack>()

  async function open(name: string): Promise<OpenPack> {
    const onProgress = (progress: Progress): void => {
      const now = current.value
      if (now.state === 'working' && now.pack === name && now.step === 'opening') current.set({ ...now, progress })
    }
    const pack = await kit.open(name, { onProgress })
    opened.set([...opened.value.filter((other) => other.name !== name), pack])
    return pack
  }

  function stop(): void {
    controller.abort()
    controller = new AbortController()
  }

  async function begin(pack: string, photo: Blob): Promise<void> {
    stop()
    const { signal: aborted } = controller
    current.set({ state: 'working', pack, photo, step: 'opening' })
    // From home the task is a step forward; from an answer or a failure it takes that screen's place.
    if (navigation.route.value.screen === 'home') navigation.go({ screen: 'capture', pack })
    else navigation.replace({ screen: 'capture', pack })
    const kept = drafts.save({ pack, photo })
    try {
      const ready = await raceAbort(
        memo.get(pack, () => open(pack)),
        aborted,
      )
      current.set({ state: 'working', pack, photo, step: 'looking' })
      const { record } = await ready.run(photo, { signal: aborted })
      // Cancelled too late: the record is in the history, but the screen belongs to what came after.
      if (aborted.aborted) return
      fresh.set(record)
      current.set({ state: 'none' })
      // Whoever went elsewhere meanwhile is not pulled back: the answer is in the history.
      if (navigation.route.value.screen === 'capture') navigation.replace({ screen: 'answer', record: record.id })
    } catch (error) {
      if (aborted.aborted) return
      current.set(isAbort(error) ? { state: 'none' } : { state: 'failed', pack, photo, error })
    }
    // A photo that failed stays on screen for another try, but a bad one must not come back at every start.
    await kept
    if (!aborted.aborted) await drafts.clear()
  }

  function discard(): void {
    stop()
    current.set({ state: 'none' })
    void drafts.clear()
  }

  return {
    current,
    fresh,
    opened,
    begin,
    discard,
    cancel() {
      discard()
      navigation.back()
    },
    async restore() {
      const draft = await drafts.load()
      if (draft && current.value.state === 'none') current.set({ state: 'kept', ...draft })
    },
    forget(pack) {
      memo.forget(pack)
      opened.set(opened.value.filter(({ name }) => name !== pack))
    },
  }
}

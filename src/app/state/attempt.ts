import type { Circumstances, HistoryEntry, Kit, Opening, OpenOperation, OpenPack, RunInput } from '../../client/kit.ts'
import { createSignal, type Signal } from '../../client/signal.ts'
import { isAbort } from '../../lib/abort.ts'
import { JikoError } from '../../protocol/error.ts'
import type { Progress } from '../../protocol/worker.ts'
import type { DraftStore } from './draft.ts'
import type { Navigation } from './navigation.ts'

/** A photo, sound, text or file on its way to an answer. Text is a Blob of `text/plain`, so that all are kept alike. */
export type Attempt =
  | { state: 'none' }
  /** Of an earlier visit, kept because the page was killed before it had a record. */
  | { state: 'kept'; pack: string; given: Blob }
  /** The microphone is open. */
  | { state: 'listening'; pack: string }
  | { state: 'deaf'; pack: string; error: unknown }
  | { state: 'working'; pack: string; given: Blob; step: 'opening' | 'looking'; progress?: Progress }
  | { state: 'failed'; pack: string; given: Blob; error: unknown }

export interface Attempts {
  readonly current: Signal<Attempt>
  /** The record just made: its screen says "saved", and need not wait for the list. */
  readonly fresh: Signal<HistoryEntry | undefined>
  /** Packs opened in this visit. */
  readonly opened: Signal<readonly OpenPack[]>
  /** How loud it is while the microphone is open, 0-1. */
  readonly level: Signal<number>
  begin(pack: string, given: Blob): Promise<void>
  /** Opens the microphone for as long as a word takes, then begins with what was heard. */
  listen(pack: string): Promise<void>
  cancel(): void
  /** Leaves for good what failed or was kept. */
  discard(): void
  /** Brings back what was chosen before the page was killed. */
  restore(): Promise<void>
  /** Gets a pack ready before anybody asks: while a person aims, nothing else is to be done. A failure shows when it is wanted. */
  expect(pack: string): void
  /** After a pack changed or went: the next try opens it anew. */
  forget(pack: string): void
}

export interface AttemptOptions {
  kit: Pick<Kit, 'opening' | 'listen'>
  drafts: DraftStore
  navigation: Navigation
  /** Who and where, as far as that is to be kept. */
  circumstances?(): Promise<Circumstances>
  /** Whether what a pack is given may be written down as it is, before it has a record: not where faces are to be hidden first. */
  mayKeep?(pack: string): boolean
  /** Told which pack has just answered. */
  onAnswered?(pack: OpenPack): void
}

/** A word of a second with time to begin and to end. */
const LISTEN_SECONDS = 2.5

export function createAttempts({
  kit,
  drafts,
  navigation,
  circumstances = async () => ({}),
  mayKeep = () => true,
  onAnswered = () => undefined,
}: AttemptOptions): Attempts {
  const current = createSignal<Attempt>({ state: 'none' })
  const fresh = createSignal<HistoryEntry | undefined>(undefined)
  const opened = createSignal<readonly OpenPack[]>([])
  const level = createSignal(0)
  let controller = new AbortController()
  const openings = new Map<string, Opening>()

  /** What was got ready before anybody asked; where that did not go well it is opened now, with all that it takes. */
  function openingOf(name: string, operation: OpenOperation): Opening {
    const begun = openings.get(name)
    if (begun) return begun
    const opening = kit.opening(name, operation)
    openings.set(name, opening)
    opening.opened.catch(() => openings.get(name) === opening && openings.delete(name))
    return opening
  }

  /** A text goes as a string to a pack for text, whatever its file says of itself. Of photos that need not be known. */
  async function inputFor(opening: Opening, given: Blob): Promise<RunInput> {
    if (/^(image|text)\//.test(given.type)) return given
    const open = await opening.opened.catch(() => undefined)
    return open?.takes === 'text' ? given.text() : given
  }

  function stop(): void {
    controller.abort()
    controller = new AbortController()
  }

  /** From home the task is a step forward; from an answer or a failure it takes that screen's place. */
  function show(pack: string): void {
    if (navigation.route.value.screen === 'home') navigation.go({ screen: 'capture', pack })
    else navigation.replace({ screen: 'capture', pack })
  }

  async function listen(pack: string): Promise<void> {
    stop()
    const { signal } = controller
    level.set(0)
    current.set({ state: 'listening', pack })
    show(pack)
    try {
      await begin(pack, await kit.listen({ seconds: LISTEN_SECONDS, signal, onLevel: level.set }))
    } catch (error) {
      if (!signal.aborted) current.set({ state: 'deaf', pack, error })
    }
  }

  async function begin(pack: string, given: Blob): Promise<void> {
    stop()
    const { signal: aborted } = controller
    const working = { state: 'working', pack, given } as const
    current.set({ ...working, step: 'opening' })
    show(pack)
    const isMine = ({ state }: Attempt): boolean => state === 'working' && !aborted.aborted
    const onProgress = (progress: Progress): void => {
      if (isMine(current.value)) current.set({ ...working, step: 'opening', progress })
    }
    const opening = openingOf(pack, { onProgress })
    opening.opened.then(
      (open) => {
        if (!opened.value.includes(open)) opened.set([...opened.value.filter(({ name }) => name !== pack), open])
        if (isMine(current.value)) current.set({ ...working, step: 'looking' })
      },
      () => undefined,
    )
    const kept = mayKeep(pack) ? drafts.save({ pack, given }) : undefined
    try {
      const { record, pack: asked } = await opening.run(await inputFor(opening, given), {
        signal: aborted,
        circumstances: circumstances(),
      })
      // Cancelled too late: the record is in the history, but the screen belongs to what came after.
      if (aborted.aborted) return
      onAnswered(asked)
      fresh.set(record)
      current.set({ state: 'none' })
      // Whoever went elsewhere meanwhile is not pulled back: the answer is in the history.
      if (navigation.route.value.screen === 'capture') navigation.replace({ screen: 'answer', record: record.id })
    } catch (error) {
      if (aborted.aborted) return
      if (error instanceof JikoError && error.code === 'pack/rolled-back') {
        openings.delete(pack)
        return begin(pack, given)
      }
      current.set(isAbort(error) ? { state: 'none' } : { state: 'failed', pack, given, error })
    }
    // What failed stays on screen for another try, but a bad one must not come back at every start.
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
    level,
    begin,
    listen,
    discard,
    cancel() {
      discard()
      navigation.back()
    },
    async restore() {
      const draft = await drafts.load()
      if (draft && current.value.state === 'none') current.set({ state: 'kept', ...draft })
    },
    expect(pack) {
      openingOf(pack, { here: true })
    },
    forget(pack) {
      openings.delete(pack)
      opened.set(opened.value.filter(({ name }) => name !== pack))
    },
  }
}

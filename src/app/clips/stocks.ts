import { i18n } from '@lingui/core'
import type { ClipStock, Kit } from '../../client/kit.ts'
import { createSignal, type Signal } from '../../client/signal.ts'
import { isAbort } from '../../lib/abort.ts'
import type { Progress } from '../../protocol/worker.ts'
import type { PackJob, Packs } from '../state/packs.ts'
import type { PreferenceStore } from '../state/preferences.ts'

/** What packs have recorded, for the language that the app speaks. */
export interface Clips {
  /** By pack; of those that were looked at. */
  readonly stocks: Signal<Readonly<Record<string, ClipStock>>>
  /** What is being fetched, and what went wrong with it: see `jobOf`. */
  readonly jobs: Signal<Readonly<Record<string, PackJob>>>
  /** The language whose recordings are wanted; none where a voice of this phone speaks it. */
  readonly wanted: Signal<string | undefined>
  look(pack: string): Promise<void>
  /** Fetches what a pack has recorded in the language of the app; `jobs` says why that failed. */
  fetch(pack: string, options?: { anyway?: boolean }): Promise<void>
  /** Takes away what a pack has recorded in a language that the app does not speak now. */
  drop(pack: string, language: string): Promise<void>
}

export interface ClipsDeps {
  kit: Pick<Kit, 'clips' | 'packs'>
  packs: Pick<Packs, 'offers' | 'refresh'>
  preferences: Pick<PreferenceStore, 'value'>
  /** A voice of this phone that speaks the language. */
  findVoice(language: string): Promise<unknown>
  /** Calls back when there may be more to fetch than before. */
  onOtherNetwork(listener: () => void): void
  isOnline(): boolean
  announce(text: string): void
}

/** One language may still be on its way when it is another that is wanted. */
export const jobOf = (pack: string, language: string): string => `${language}/${pack}`

/**
 * So many bytes, of all packs together, come by themselves when a language has become that of the app, where bytes cost
 * nothing as far as the browser says. What is more is offered at its cost.
 */
const BY_ITSELF = 50_000

export function createClips({
  kit,
  packs,
  preferences,
  findVoice,
  onOtherNetwork,
  isOnline,
  announce,
}: ClipsDeps): Clips {
  const stocks = createSignal<Readonly<Record<string, ClipStock>>>({})
  const jobs = createSignal<Readonly<Record<string, PackJob>>>({})
  const wanted = createSignal<string | undefined>(undefined)
  const language = (): string => preferences.value.value.language
  /** Digests of packs that were looked at since the language was last asked for, and what may still come by itself. */
  const seen = new Set<string>()
  let spare = 0

  async function look(pack: string): Promise<void> {
    const stock = await kit.clips.stock(pack).catch(() => ({}))
    stocks.set({ ...stocks.value, [pack]: stock })
  }

  function setJob(key: string, job: PackJob | undefined): void {
    const { [key]: _, ...others } = jobs.value
    jobs.set(job ? { ...others, [key]: job } : others)
  }

  async function fetch(pack: string, { anyway = false, background = false } = {}): Promise<void> {
    const speaks = language()
    const key = jobOf(pack, speaks)
    const job = jobs.value[key]
    if (job && job.error === undefined) return
    const controller = new AbortController()
    setJob(key, { controller })
    try {
      const onProgress = (progress: Progress): void => setJob(key, { controller, progress })
      await kit.clips.fetch(pack, speaks, { anyway, background, onProgress, signal: controller.signal })
      await look(pack)
      setJob(key, undefined)
      if (!background) announce(i18n.t('clip.here'))
    } catch (error) {
      await look(pack)
      // What nobody asked for is not complained of: it is offered still.
      setJob(key, background || isAbort(error) ? undefined : { controller, error })
    }
  }

  async function drop(pack: string, language: string): Promise<void> {
    await kit.clips.drop(pack, language)
    await look(pack)
    announce(i18n.t('clip.dropped'))
  }

  async function stockUp(): Promise<void> {
    for (const { name, digest, state, recorded } of packs.offers.value ?? []) {
      if (state !== 'ready' || !recorded || seen.has(digest)) continue
      seen.add(digest)
      await look(name)
      const { bytes = 0, have = 0 } = stocks.value[name]?.[wanted.value ?? ''] ?? {}
      const missing = bytes - have
      if (missing <= 0 || missing > spare || !isOnline() || (await kit.packs.usage()).metered) continue
      spare -= missing
      await fetch(name, { background: true })
    }
  }

  let tuned = ''
  async function tune(): Promise<void> {
    const speaks = language()
    tuned = speaks
    const want = (await findVoice(speaks)) ? undefined : speaks
    if (tuned !== speaks) return
    wanted.set(want)
    // What packs cost is another sum from here on.
    if (await kit.clips.want(want)) await packs.refresh()
    seen.clear()
    spare = BY_ITSELF
    await stockUp()
  }
  const again = (): void => void tune().catch(() => undefined)

  preferences.value.subscribe(() => {
    if (language() !== tuned) again()
  })
  packs.offers.subscribe(() => void stockUp().catch(() => undefined))
  onOtherNetwork(again)
  return { stocks, jobs, wanted, look, fetch, drop }
}

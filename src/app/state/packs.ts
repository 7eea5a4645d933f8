import type { Kit, PackOffer } from '../../client/kit.ts'
import { createSignal, type Signal } from '../../client/signal.ts'
import { isAbort } from '../../lib/abort.ts'
import { JikoError } from '../../protocol/error.ts'
import type { Progress } from '../../protocol/worker.ts'
import type { LastTime } from './last-time.ts'

export interface PackJob {
  progress?: Progress
  /** What went wrong; the job is over then. */
  error?: unknown
  controller: AbortController
}

export interface Packs {
  /** Undefined until first read. */
  readonly offers: Signal<readonly PackOffer[] | undefined>
  /** Why the list could not be read. */
  readonly listError: Signal<unknown>
  readonly jobs: Signal<Readonly<Record<string, PackJob>>>
  refresh(): Promise<void>
  /** For the start: what was under way goes on, then the origin is asked for anything new. */
  start(): Promise<void>
  /** Goes on with every download that was cut off; one that a person stopped waits for them. */
  resume(): Promise<void>
  /** Asks the origin for new packs and versions now. */
  check(): Promise<void>
  /** Resolves when the pack is here, the download was cancelled, or it failed (then `jobs` says why). */
  install(offer: PackOffer, options?: { anyway?: boolean }): Promise<void>
  /** Why the last file was no pack. */
  readonly fileError: Signal<unknown>
  /** Takes a pack out of a file; `fileError` says when that failed. */
  importFile(file: Blob): Promise<void>
  cancel(name: string): void
  remove(name: string): Promise<void>
}

/** `downloading` covers a download of ours and one that was cut off earlier. What is here can be used while a newer one comes. */
export function packState(offer: PackOffer, job: PackJob | undefined): PackOffer['state'] {
  return offer.state !== 'ready' && job && job.error === undefined ? 'downloading' : offer.state
}

/** A smaller variant answers already, and the full one of the same version is still to come. */
export const isGrowing = ({ version, update }: PackOffer): boolean =>
  update?.begun === true && update.version === version

/** What only finds faces for another pack is no task of its own; an update of it is still to be offered. */
export const isTask =
  (offers: readonly PackOffer[]) =>
  ({ name, update }: PackOffer): boolean =>
    update !== undefined || !offers.some(({ name: other, finder }) => finder?.name === name && other !== name)

/** By what a person allows packs to cost. */
export const isHeldBack = (error: unknown): boolean =>
  error instanceof JikoError && (error.code === 'download/over-budget' || error.code === 'download/metered')

/**
 * @param onChanged told when a pack on this phone is another one now, or gone
 * @param lastTime the list as it was then is shown until the new one is here: reading it starts a worker
 */
export function createPacks(
  kit: Pick<Kit, 'packs'>,
  onChanged: (name: string) => void = () => undefined,
  lastTime?: Pick<LastTime, 'offers' | 'keepOffers'>,
): Packs {
  const offers = createSignal(lastTime?.offers())
  const listError = createSignal<unknown>(undefined)
  const fileError = createSignal<unknown>(undefined)
  const jobs = createSignal<Readonly<Record<string, PackJob>>>({})

  const setJob = (name: string, job: PackJob | undefined): void => {
    const { [name]: _, ...others } = jobs.value
    jobs.set(job ? { ...others, [name]: job } : others)
  }
  const running = (name: string): PackJob | undefined => {
    const job = jobs.value[name]
    return job && job.error === undefined ? job : undefined
  }

  async function refresh(): Promise<void> {
    try {
      const list = await kit.packs.list()
      // Mostly it is what is on screen, and drawing that again is work for nothing.
      if (JSON.stringify(list) !== JSON.stringify(offers.value)) offers.set(list)
      lastTime?.keepOffers(list)
      listError.set(undefined)
    } catch (error) {
      listError.set(error)
    }
  }

  async function install(offer: PackOffer, { anyway = false, background = false } = {}): Promise<void> {
    const { name, url } = offer
    if (running(name)) return
    const controller = new AbortController()
    setJob(name, { controller })
    try {
      await kit.packs.install(url, {
        anyway,
        background,
        signal: controller.signal,
        onProgress: (progress) => {
          if (running(name)?.controller === controller) setJob(name, { controller, progress })
        },
      })
      onChanged(name)
      // The list first: between the two the card must not fall back to "absent".
      await refresh()
      setJob(name, undefined)
      // A smaller variant answers from now on; the full one follows by itself, once.
      const now = offers.value?.find((one) => one.name === name)
      if (now && isGrowing(now) && !isGrowing(offer)) void install(now, { background: true })
    } catch (error) {
      await refresh()
      // What nobody waits for is not complained of: the card says that it is still to come.
      const kept = isAbort(error) || (background && isHeldBack(error))
      setJob(name, kept ? undefined : { controller, error })
    }
  }

  async function resume(): Promise<void> {
    const begun = (offers.value ?? []).filter(({ state, update }) => state === 'downloading' || update?.begun)
    const going = begun.filter(({ paused }) => !paused)
    await Promise.all(going.map((offer) => install(offer, { background: isGrowing(offer) })))
  }

  async function check(force: boolean): Promise<void> {
    if (await kit.packs.check({ force }).catch(() => false)) await refresh()
  }

  return {
    offers,
    listError,
    fileError,
    jobs,
    refresh,
    async start() {
      await refresh()
      await Promise.all([resume(), check(false)])
    },
    resume,
    check: () => check(true),
    async importFile(file) {
      fileError.set(undefined)
      try {
        const { name } = await kit.packs.importFile(file)
        onChanged(name)
        await refresh()
      } catch (error) {
        fileError.set(error)
      }
    },
    install,
    cancel: (name) => running(name)?.controller.abort(),
    async remove(name) {
      await kit.packs.remove(name)
      onChanged(name)
      await refresh()
    },
  }
}

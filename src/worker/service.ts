import { isAbort } from '../lib/abort.ts'
import { createQueue } from '../lib/queue.ts'
import { sha256Hex } from '../lib/sha256.ts'
import type { HandedOver } from '../packs/install.ts'
import type { Said } from '../protocol/clips.ts'
import { JikoError } from '../protocol/error.ts'
import { faceFinderOf } from '../protocol/face-finder.ts'
import type { Input } from '../protocol/input.ts'
import type { Pixels } from '../protocol/task.ts'
import type {
  ClipStock,
  DeviceReport,
  KeptPhoto,
  NamedAttachment,
  OnProgress,
  PackStatus,
  Progress,
  RunAttachment,
  RunInput,
  WorkerApi,
} from '../protocol/worker.ts'
import type { Backend } from '../runtime/backend.ts'
import { TASKS_VERSION } from '../tasks/version.ts'
import type { HidingDeps } from './hide-faces.ts'
import type { Keeping } from './keeping.ts'
import { createLoadedPacks } from './loaded-packs.ts'
import type { createOffers } from './offers.ts'
import type { Operation } from './operation.ts'
import type { LoadedPack, PackRoom } from './pack-room.ts'
import type { Received } from './receive.ts'

export interface WorkerDependencies {
  packs: PackRoom
  /** What packs cost in data and room; loaded when first asked for. */
  keeping(): Promise<Keeping>
  offers: ReturnType<typeof createOffers>
  openBundle(file: Blob): Promise<HandedOver>
  exportFile(name: string): Promise<File>
  device(): Promise<DeviceReport>
  /** What is recorded in the packs that are here. */
  clips: {
    want(language?: string): Promise<boolean>
    stock(name: string): Promise<ClipStock>
    read(name: string, said: Said, language: string): Promise<Blob | undefined>
  }
  /** What the model looks at, and what the record keeps of it: where faces are to be hidden, pixels as yet. @throws JikoError `input/...` */
  receive(given: RunInput, input: Input, hiding: boolean): Promise<Received>
  /** Turns a picture that was made into a file. */
  encode(pixels: Pixels): Promise<RunAttachment>
  /** A photo as pixels of the size that is kept, and those turned into files. */
  decodeToKeep(photo: Blob): Promise<Pixels>
  encodePhoto(pixels: Pixels): Promise<RunAttachment[]>
  now(): number
  /** Resolves a while after an answer. */
  calm(): Promise<void>
  /** All that may have loaded something, and whom to tell that this worker had better be replaced. */
  backends: readonly Backend[]
  onSpent(): void
}

/** Of a request, before its failure is told. */
const MOST_ATTEMPTS = 4

/** A session that failed, or answered what no model answers. */
const isBackendFault = (error: unknown): error is JikoError =>
  error instanceof JikoError && (error.code.startsWith('runtime/') || error.code === 'task/bad-output')

/** An engine that could not be fetched says nothing about a pack. */
const NOT_HERE = new Set(['runtime/load-failed', 'runtime/no-kernels'])

/** Named here: it is the page that has a screen to draw. */
const named = (attachments: readonly RunAttachment[]): Promise<NamedAttachment[]> =>
  Promise.all(attachments.map(async (one) => ({ ...one, sha256: await sha256Hex(one.bytes) })))

/** Whoever asked has the labels of the version that is gone: they open it anew. */
const rolledBack = (name: string, cause: JikoError): JikoError =>
  new JikoError(
    'pack/rolled-back',
    `The new version of ${name} fails on this device (${cause.message}): the one before it is back. Open it again.`,
    { cause, detail: { name } },
  )

interface Install {
  listeners: Set<OnProgress>
  last: Progress | undefined
  controller: AbortController | undefined
  result: Promise<PackStatus> | undefined
}

/** The inference worker behind the message port: jobs by id, sessions by pack, one run at a time. */
export function createWorkerService({
  packs,
  keeping,
  offers,
  openBundle,
  exportFile,
  device,
  clips,
  receive,
  encode,
  decodeToKeep,
  encodePhoto,
  now,
  calm,
  backends,
  onSpent,
}: WorkerDependencies): Omit<WorkerApi, 'configure'> {
  const jobs = new Map<string, AbortController>()
  /** Under way, by first address. */
  const installs = new Map<string, Install>()
  const queue = createQueue()
  const loadedPacks = createLoadedPacks({ packs, backends, onSpent })

  /** Nothing waits for it, and an answer least of all: it comes when nobody waits for one. */
  function noting(work: (kept: Keeping) => unknown): void {
    queue(keeping, { behind: true })
      .then(work)
      .catch(() => undefined)
  }

  async function forget(name: string): Promise<void> {
    const loaded = loadedPacks.peek(name)
    loadedPacks.forget(name)
    noting((kept) => kept.closed(name))
    await loaded?.then(({ session }) => queue(() => session.dispose())).catch(() => undefined)
  }

  /** What is loaded may not be what would be chosen now. */
  const forgetAll = async (): Promise<unknown> => Promise.all(loadedPacks.names().map(forget))

  async function asJob<T>(job: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    jobs.set(job, controller)
    try {
      return await work(controller.signal)
    } catch (error) {
      if (controller.signal.aborted && !isAbort(error)) throw controller.signal.reason
      throw error
    } finally {
      jobs.delete(job)
    }
  }

  const installing = (
    job: string,
    onProgress: OnProgress | undefined,
    work: (operation: Operation) => Promise<PackStatus>,
  ): Promise<PackStatus> =>
    asJob(job, async (signal) => {
      const status = await work({ signal, ...(onProgress && { onProgress }) })
      settled.delete(status.name)
      // A session of the version before must not answer for the new one.
      await forget(status.name)
      return status
    })

  /** Another tab wants the same: it sees the same progress, and either can stop it. */
  async function join(running: Install, job: string, onProgress: OnProgress | undefined): Promise<PackStatus> {
    if (running.controller) jobs.set(job, running.controller)
    if (onProgress) running.listeners.add(onProgress)
    if (running.last) onProgress?.(running.last)
    try {
      return (await running.result) as PackStatus
    } finally {
      jobs.delete(job)
    }
  }

  function load(name: string, operation: Operation): Promise<LoadedPack> {
    if (!loadedPacks.peek(name)) noting((kept) => kept.opened(name))
    return loadedPacks.get(name, operation)
  }

  /** What to say of a pack that nothing here can run: after an update it is the one before that runs from now on. */
  const givenUp = async (name: string, error: JikoError): Promise<JikoError> =>
    !NOT_HERE.has(error.code) && (await packs.rollBack(name)) ? rolledBack(name, error) : error

  /**
   * Answers one request, whatever the backends do: again on a fresh session, and after a second failure on another
   * backend, if one is here.
   */
  async function onWorkingBackend<T>(
    name: string,
    signal: AbortSignal,
    work: (loaded: LoadedPack) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let loaded: LoadedPack | undefined
      try {
        loaded = await load(name, { signal })
        return await work(loaded)
      } catch (error) {
        if (!isBackendFault(error) || signal.aborted) throw error
        loadedPacks.forget(name)
        await loaded?.session.dispose().catch(() => undefined)
        if (loaded) await packs.doubt(loaded)
        if (attempt === MOST_ATTEMPTS) {
          // What fails here may not fail in a worker that holds nothing yet.
          onSpent()
          throw await givenUp(name, error)
        }
        if (attempt > 1 && loaded) await packs.passOver(loaded, error.message)
      }
    }
  }

  /** Packs that have answered since they were installed. */
  const settled = new Set<string>()
  const measured = new WeakSet<LoadedPack>()

  /** Ways that are being timed hold memory for a good reason: a worker that went now would have to begin anew. */
  let races = 0
  const tellIfSpent = async (): Promise<void> => {
    if (races === 0) await loadedPacks.tellIfSpent()
  }

  /** When nobody waits any more: is there a faster way to run this? */
  async function measureLater(name: string, loaded: LoadedPack): Promise<void> {
    if (measured.has(loaded)) return
    measured.add(loaded)
    races += 1
    try {
      // Whoever has just been answered has a screen to look at: on a slow phone it is not drawn yet.
      await calm()
      const faster = await packs.measure(loaded, (work) => queue(work, { behind: true }))
      if (faster && (await loadedPacks.peek(name)) === loaded) await forget(name)
    } finally {
      races -= 1
    }
    await tellIfSpent()
  }

  /** A photo, and what a model made of it, as they may be kept: without faces. The turn is the caller's. */
  async function hide(finder: string, photo: Pixels, made: readonly Pixels[], signal: AbortSignal): Promise<KeptPhoto> {
    const { keepHidden } = await import('./hide-faces.ts')
    const withFinder: HidingDeps['withFinder'] = (work) => onWorkingBackend(finder, signal, work)
    return keepHidden(photo, made, { withFinder, encode, encodePhoto, signal })
  }

  return {
    install(job, source, onProgress, options = {}) {
      const [first = ''] = typeof source === 'string' ? [source] : source
      const running = installs.get(first)
      if (running) return join(running, job, onProgress)
      const listeners = new Set(onProgress ? [onProgress] : [])
      const begun: Install = { listeners, last: undefined, controller: undefined, result: undefined }
      const tellAll = (progress: Progress): void => {
        begun.last = progress
        for (const listener of listeners) listener(progress)
      }
      installs.set(first, begun)
      begun.result = installing(job, tellAll, async (operation) => {
        const kept = await keeping()
        const onProgress = (progress: Progress): void => tellAll(kept.timed(progress))
        return kept.within(options, async () => {
          const status = await packs.install(source, { ...operation, onProgress })
          const { installFinder } = await import('./install-finder.ts')
          return installFinder(packs, status, source, { ...operation, onProgress })
        })
      }).finally(() => installs.delete(first))
      begun.controller = jobs.get(job)
      return begun.result
    },
    importFile: (job, file, onProgress) =>
      installing(job, onProgress, async (operation) => packs.installFrom(await openBundle(file), operation)),
    exportFile,
    offers: (indexUrl) => offers.offers(indexUrl),
    check: (indexUrl, force) => offers.check(indexUrl, force),
    usage: async () => (await keeping()).usage(),
    setBudget: async (budget) => (await keeping()).setBudget(budget),
    makeRoom: async (bytes) => (await keeping()).makeRoom(bytes),
    evicted: () => packs.evicted(),

    list: () => packs.list(),
    pending: () => packs.pending(),

    open: (job, name, onProgress, { here = false } = {}) =>
      asJob(job, async (signal) => {
        const operation = { signal, here, ...(onProgress && { onProgress }) }
        try {
          const { digest, variant, backend, manifest } = await queue(() => load(name, operation), { signal })
          return { digest, variant, backend, manifest }
        } catch (error) {
          throw isBackendFault(error) && !signal.aborted && !here ? await givenUp(name, error) : error
        }
      }),

    run: (job, name, given, onText, { behind = false, features = false, seed, blind } = {}) =>
      asJob(job, (signal) =>
        queue(
          () =>
            onWorkingBackend(name, signal, async (loaded) => {
              const { session, manifest, digest, variant, backend } = loaded
              const begun = now()
              const finder = faceFinderOf(manifest.form)
              const { input, attachments, photo } = await receive(given, manifest.input, finder !== undefined)
              const decoded = now()
              const { startCalls } = await import('../runtime/feeding.ts')
              const task = features ? await loaded.features() : loaded.task
              signal.throwIfAborted()
              const answer = await task.run(input, startCalls(session, manifest), { signal, onText, seed })
              const ms = Math.round(now() - decoded)
              const made = answer.kind === 'image' ? [answer.pixels] : []
              const kept =
                finder !== undefined && photo
                  ? blind
                    ? { attachments: [], faces: { unkept: 'worker/died' } }
                    : await hide(finder, photo, made, signal)
                  : { attachments: [...(await attachments), ...(await Promise.all(made.map(encode)))] }
              signal.throwIfAborted()
              // What it finds out is for next time, and so is why it could not.
              measureLater(name, loaded).catch(() => undefined)
              if (!settled.has(name))
                packs.settle(name).then(
                  () => settled.add(name),
                  () => undefined,
                )
              await tellIfSpent()
              return {
                answer,
                ...kept,
                attachments: await named(kept.attachments),
                packDigest: digest,
                variant,
                backend,
                prep: TASKS_VERSION,
                threshold: manifest.decision.threshold,
                decodeMs: Math.round(decoded - begun),
                ms,
              }
            }),
          { behind, signal },
        ),
      ),

    look: (job, name, text) =>
      asJob(job, (signal) =>
        queue(
          () =>
            onWorkingBackend(name, signal, async (loaded) => {
              const [look, { startCalls }] = await Promise.all([loaded.looking(), import('../runtime/feeding.ts')])
              return look(text, startCalls(loaded.session, loaded.manifest), signal)
            }),
          { signal },
        ),
      ),

    hideFaces: (job, finder, photo) =>
      asJob(job, (signal) => queue(async () => hide(finder, await decodeToKeep(photo), [], signal), { signal })),

    train: (job, classes) =>
      asJob(job, async () => {
        const [{ train }, { packHead }] = await Promise.all([
          import('../tasks/teach/train.ts'),
          import('../tasks/teach/head.ts'),
        ])
        const { learnt, ...trained } = train(classes)
        return { head: packHead(learnt), ...trained }
      }),

    async remove(name) {
      await forget(name)
      await packs.remove(name)
    },

    wantClips: (language) => clips.want(language),
    clips: (name) => clips.stock(name),
    clip: (...args) => clips.read(...args),
    fetchClips: (job, name, language, url, onProgress, options = {}) =>
      asJob(job, async (signal) => {
        const kept = await keeping()
        const told = (progress: Progress): void => onProgress?.(kept.timed(progress))
        await kept.within(options, () => packs.fetchClips(name, language, url, { signal, onProgress: told }))
      }),

    device,
    async setMemory(bytes) {
      await packs.verdicts.setLimit(bytes)
      await forgetAll()
    },
    async measureAgain() {
      await packs.measureAgain()
      await forgetAll()
    },

    cancel: (job) => jobs.get(job)?.abort(),
  }
}

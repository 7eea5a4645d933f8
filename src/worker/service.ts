import { isAbort } from '../lib/abort.ts'
import { createMemo } from '../lib/memo.ts'
import { createSerial } from '../lib/serial.ts'
import { JikoError } from '../protocol/error.ts'
import type { ImageInput, SignedManifest, Variant } from '../protocol/manifest.ts'
import type { InstalledPack, OnProgress, PackStatus, WorkerApi } from '../protocol/worker.ts'
import type { Backend, ReadFile } from '../runtime/backend.ts'
import { type OpenedSession, openSession } from '../runtime/open-session.ts'
import { TASKS_VERSION, taskFor } from '../tasks/table.ts'
import type { DecodedPhoto } from './decode-photo.ts'

interface Operation {
  signal: AbortSignal
  onProgress?: OnProgress
}

/** The pack store as this worker needs it. */
export interface PackRoom {
  install(manifestUrl: string, operation: Operation): Promise<PackStatus>
  list(): Promise<InstalledPack[]>
  /** @throws JikoError `pack/not-installed`. */
  open(name: string, operation: Operation): Promise<{ signed: SignedManifest; digest: string; readFile: ReadFile }>
  remove(name: string): Promise<void>
}

export interface WorkerDependencies {
  packs: PackRoom
  /** In order of preference within an engine. */
  backends: readonly Backend[]
  decode(photo: Blob, input: ImageInput): Promise<DecodedPhoto>
  now(): number
}

interface Loaded extends OpenedSession {
  signed: SignedManifest
  digest: string
}

/** The smallest variant a phone can run: packs list int8 where they have it. */
function chooseVariant(variants: readonly Variant[]): Variant {
  const [first] = variants
  const chosen = variants.find(({ name }) => name === 'int8') ?? first
  if (!chosen) throw new JikoError('pack/bad-manifest', 'the pack has no variants')
  return chosen
}

/** The inference worker behind the message port: jobs by id, sessions by pack, one run at a time. */
export function createWorkerService({ packs, backends, decode, now }: WorkerDependencies): WorkerApi {
  const jobs = new Map<string, AbortController>()
  const serial = createSerial()
  const sessions = createMemo<string, Loaded>()

  async function load(name: string, operation: Operation): Promise<Loaded> {
    const { signed, digest, readFile } = await packs.open(name, operation)
    const { variants, input, task } = signed.manifest
    taskFor(task)
    const opened = await openSession(chooseVariant(variants), input, backends, readFile)
    return { ...opened, signed, digest }
  }

  async function forget(name: string): Promise<void> {
    const loaded = sessions.peek(name)
    sessions.forget(name)
    await loaded?.then(({ session }) => serial(() => session.dispose())).catch(() => undefined)
  }

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

  return {
    install: (job, manifestUrl, onProgress) =>
      asJob(job, async (signal) => {
        const status = await packs.install(manifestUrl, { signal, ...(onProgress && { onProgress }) })
        // A session of the version before must not answer for the new one.
        await forget(status.name)
        return status
      }),

    list: () => packs.list(),

    open: (job, name, onProgress) =>
      asJob(job, async (signal) => {
        const operation = { signal, ...(onProgress && { onProgress }) }
        const { digest, variant, backend } = await sessions.get(name, () => load(name, operation))
        return { digest, variant, backend }
      }),

    run: (job, name, photo) =>
      asJob(job, (signal) =>
        serial(async () => {
          signal.throwIfAborted()
          const { session, signed, digest, variant, backend } = await sessions.get(name, () => load(name, { signal }))
          const task = taskFor(signed.manifest.task)
          const begun = now()
          const { pixels, attachments } = await decode(photo, signed.manifest.input)
          const decoded = now()
          signal.throwIfAborted()
          const outputs = await session.run(task.prepare(pixels, signed.manifest))
          const answer = task.finish(outputs, signed.manifest)
          signal.throwIfAborted()
          return {
            answer,
            attachments,
            packDigest: digest,
            variant,
            backend,
            prep: TASKS_VERSION,
            threshold: signed.manifest.decision.threshold,
            decodeMs: Math.round(decoded - begun),
            ms: Math.round(now() - decoded),
          }
        }),
      ),

    async remove(name) {
      await forget(name)
      await packs.remove(name)
    },

    cancel: (job) => jobs.get(job)?.abort(),
  }
}

import { proxy, transfer } from 'comlink'
import { JikoError } from '../protocol/error.ts'
import { featuresOf } from '../protocol/features.ts'
import type { Input } from '../protocol/input.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { OnText, RunInput, RunOptions, RunResult } from '../protocol/worker.ts'
import type { Operation } from './kit.ts'
import type { WorkerHost } from './worker-host.ts'

/** A worker may die of many things, once: out of memory, a trap, a lost device. The same request goes to the next one. */
const MOST_DEATHS = 2
const OF_THE_WORKER: readonly string[] = ['worker/died', 'runtime/out-of-memory']

/** @param request told how often a worker died of it */
export async function persistently<T>(request: (deaths: number) => Promise<T>): Promise<T> {
  for (let deaths = 0; ; deaths++) {
    try {
      return await request(deaths)
    } catch (error) {
      const died = error instanceof JikoError && OF_THE_WORKER.includes(error.code)
      if (!died || deaths === MOST_DEATHS) throw error
    }
  }
}

export interface InstalledBase {
  manifest: Manifest
  digest: string
  takes: Input['kind']
  /** Classes can be taught from what it sees. */
  teaches: boolean
}

export const notInstalled = (name: string): JikoError =>
  new JikoError('pack/not-installed', `the pack "${name}" is not installed; install it first`, { detail: { name } })

/** @throws JikoError `pack/not-installed` */
export async function findBase(name: string, host: WorkerHost, operation?: Operation): Promise<InstalledBase> {
  const installed = await persistently(() => host.call((api) => api.list(), operation))
  const pack = installed.find((one) => one.name === name && one.state === 'ready')
  if (!pack) throw notInstalled(name)
  const { manifest } = pack.signed
  return {
    manifest,
    digest: pack.digest,
    takes: manifest.input.kind,
    teaches: featuresOf(manifest.output) !== undefined,
  }
}

/** What the worker can take: sound files other than WAV only a page can decode. Samples are copied once, so that they are there for another try. */
async function sendable(input: RunInput, takes?: Input['kind']): Promise<RunInput> {
  if (typeof input === 'string') return input
  if (!(input instanceof Blob)) {
    const samples = input.samples.slice()
    return transfer({ samples, rate: input.rate }, [samples.buffer])
  }
  if (takes !== 'audio') return input
  const { decodeSound, isWavFile } = await import('./decode-sound.ts')
  if (await isWavFile(input)) return input
  const sound = await decodeSound(input)
  return transfer(sound, [sound.samples.buffer])
}

/** What an installed pack says of an input; nothing is written down. @param asked.takes undefined where that does not matter */
export const askPack = (
  { name, takes }: { name: string; takes?: Input['kind'] | undefined },
  input: RunInput,
  { onText, ...operation }: Operation & { onText?: OnText | undefined },
  options: RunOptions,
  host: WorkerHost,
): Promise<RunResult> =>
  persistently(async (deaths) => {
    const sent = await sendable(input, takes)
    const last = deaths === MOST_DEATHS ? { ...options, blind: true } : options
    return host.call((api, job) => api.run(job, name, sent, onText && proxy(onText), last), operation)
  })

/** A photo of a form, without faces. @throws JikoError `input/...`, or what kept faces from being looked for */
export async function withoutFaces(
  host: WorkerHost,
  finder: string,
  photo: Blob,
  operation?: Operation,
): Promise<{ photo: Blob; hidden: number }> {
  const { attachments, faces } = await persistently(() =>
    host.call((api, job) => api.hideFaces(job, finder, photo), operation),
  )
  const kept = attachments.find(({ role }) => role === 'input')
  if (kept) return { photo: new Blob([kept.bytes], { type: kept.type }), hidden: faces.hidden ?? 0 }
  throw new JikoError('input/faces', `no photo may be kept in which nobody looked for faces: ${faces.unkept}`, {
    detail: { why: faces.unkept ?? '' },
  })
}

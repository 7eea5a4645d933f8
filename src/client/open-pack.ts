import { proxy, transfer } from 'comlink'
import { JikoError } from '../protocol/error.ts'
import type { Input } from '../protocol/input.ts'
import { recordId } from '../protocol/log.ts'
import type { Moment, RecordBody } from '../protocol/record.ts'
import type { RunInput, RunOptions } from '../protocol/worker.ts'
import type { NewAttachment, RecordStore, StoredRecord } from '../store/store.ts'
import type { OpenPack, Operation, RunOperation } from './kit.ts'
import { nameAttachments, resultBody } from './records.ts'
import { runAll } from './run-all.ts'
import type { WorkerHost } from './worker-host.ts'

export interface OpenPackOptions {
  host: WorkerHost
  store: RecordStore
  moment(): Moment
  onWritten(): void
}

/** A worker may die of many things, once: out of memory, a trap, a lost device. The same request goes to the next one. */
const MOST_DEATHS = 2

async function persistently<T>(request: () => Promise<T>): Promise<T> {
  for (let deaths = 0; ; deaths++) {
    try {
      return await request()
    } catch (error) {
      const died = error instanceof JikoError && error.code === 'worker/died'
      if (!died || deaths === MOST_DEATHS) throw error
    }
  }
}

/** What the worker can take: sound files other than WAV only a page can decode. Samples are copied once, so that they are there for another try. */
async function sendable(input: RunInput, takes: Input['kind']): Promise<RunInput> {
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

/**
 * Loads a pack in the worker and answers with it.
 * @throws JikoError `pack/not-installed`, `runtime/no-backend`, ...
 */
export async function openPack(
  name: string,
  { host, store, moment, onWritten }: OpenPackOptions,
  operation?: Operation,
): Promise<OpenPack> {
  const installed = await persistently(() => host.call((api) => api.list(), operation))
  const pack = installed.find((one) => one.name === name && one.state === 'ready')
  if (!pack) {
    throw new JikoError('pack/not-installed', `the pack "${name}" is not installed; install it first`, {
      detail: { name },
    })
  }
  const { variant, backend } = await persistently(() =>
    host.call((api, job, onProgress) => api.open(job, name, onProgress), operation),
  )
  const { manifest } = pack.signed

  /** A full device gives up packs before it refuses a record: those can be fetched again. */
  async function appendWithRoom(body: RecordBody, stored: readonly NewAttachment[]): Promise<StoredRecord> {
    try {
      return await store.append(body, stored)
    } catch (error) {
      if (!(error instanceof JikoError) || error.code !== 'storage/quota') throw error
      const bytes = stored.reduce((sum, attachment) => sum + attachment.bytes.length, 4096)
      if ((await host.call((api) => api.makeRoom(bytes))) <= 0) throw error
      return store.append(body, stored)
    }
  }

  async function answer(input: RunInput, { onText, circumstances, ...operation }: RunOperation, options: RunOptions) {
    const run = await persistently(async () => {
      const sent = await sendable(input, manifest.input.kind)
      return host.call((api, job) => api.run(job, name, sent, onText && proxy(onText), options), operation)
    })
    const { stored, listed } = await nameAttachments(run)
    const body = resultBody(manifest, run, moment(), listed, circumstances)
    // Durable before it is shown: from here on the answer cannot be lost.
    const record = await appendWithRoom(body, stored)
    onWritten()
    return {
      answer: run.answer,
      record: { id: recordId(record.stream, record.seq), body, state: 'local' as const },
    }
  }

  return {
    name,
    version: manifest.version,
    title: manifest.title,
    task: manifest.task,
    takes: manifest.input.kind,
    labels: manifest.labels,
    threshold: manifest.decision.threshold,
    variant,
    backend,
    run: (input, operation = {}) => answer(input, operation, {}),
    runAll: (inputs, { signal, circumstances } = {}) =>
      runAll(
        (input, at) =>
          answer(
            input,
            { ...(signal && { signal }), ...(circumstances && { circumstances: circumstances(at) }) },
            { behind: true },
          ),
        inputs,
        signal,
      ),
  }
}

import { drawSeed } from '../lib/random.ts'
import { JikoError } from '../protocol/error.ts'
import { recordId } from '../protocol/log.ts'
import type { Moment, RecordBody } from '../protocol/record.ts'
import type { RunInput, RunOptions } from '../protocol/worker.ts'
import type { NewAttachment, RecordStore, StoredRecord } from '../store/store.ts'
import { askPack, notInstalled, persistently } from './ask-pack.ts'
import type { OpenOperation, OpenPack, RunOperation } from './kit.ts'
import { nameAttachments, resultBody } from './result.ts'
import { runAll } from './run-all.ts'
import { TAUGHT_PREFIX } from './taught-packs.ts'
import type { WorkerHost } from './worker-host.ts'

export interface OpenPackOptions {
  host: WorkerHost
  store: RecordStore
  moment(): Moment
  onWritten(): void
}

/**
 * Loads a pack in the worker and answers with it.
 * @throws JikoError `pack/not-installed`, `runtime/no-backend`, ...
 */
export async function openPack(
  name: string,
  { host, store, moment, onWritten }: OpenPackOptions,
  { here, ...operation }: OpenOperation = {},
): Promise<OpenPack> {
  const taught = name.startsWith(TAUGHT_PREFIX)
    ? await (await import('./taught-answers.ts')).openTaught(name, store)
    : undefined
  const base = taught?.base ?? name
  const { manifest, variant, backend } = await persistently(() =>
    host.call((api, job, onProgress) => api.open(job, base, onProgress, here ? { here } : {}), operation),
  ).catch((error) => {
    throw error instanceof JikoError && error.code === 'pack/absent' ? notInstalled(base) : error
  })
  const takes = manifest.input.kind
  const called = taught ?? { ...manifest, threshold: manifest.decision.threshold }

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

  async function answer(
    input: RunInput,
    { onText, circumstances, seed = drawSeed(), seen = false, ...operation }: RunOperation,
    options: RunOptions,
  ) {
    const looked = await askPack(
      { name: base, takes },
      input,
      { ...operation, onText },
      { ...options, seed, features: taught !== undefined },
      host,
    )
    const run = taught ? taught.answer(looked) : looked
    const { stored, listed, ...seenAs } = await nameAttachments(run)
    const body = resultBody({ ...called, task: manifest.task }, run, moment(), listed, {
      ...circumstances,
      ...seenAs,
    })
    // Durable before it is shown: from here on the answer cannot be lost.
    // A face that was missed can be seen by a person only: nothing is sent of it until somebody has looked.
    const unseen = run.faces !== undefined && !seen
    const record = await appendWithRoom(
      body,
      stored.map((one) => ({ ...one, unseen })),
    )
    onWritten()
    return {
      answer: run.answer,
      record: { id: recordId(record.stream, record.seq), body, state: 'local' as const },
    }
  }

  return {
    name,
    version: called.version,
    title: called.title,
    task: manifest.task,
    takes,
    labels: called.labels,
    threshold: called.threshold,
    variant,
    backend,
    run: (input, operation = {}) => answer(input, operation, {}),
    runAll: (inputs, { signal, circumstances, seen = false } = {}) =>
      runAll(
        (input, at) =>
          answer(
            input,
            { ...(signal && { signal }), ...(circumstances && { circumstances: circumstances(at) }), seen },
            { behind: true },
          ),
        inputs,
        signal,
      ),
  }
}

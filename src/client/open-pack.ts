import { drawSeed } from '../lib/random.ts'
import { JikoError } from '../protocol/error.ts'
import { recordId } from '../protocol/log.ts'
import type { Moment, RecordBody } from '../protocol/record.ts'
import type { RunInput, RunOptions } from '../protocol/worker.ts'
import type { NewAttachment, RecordStore, StoredRecord } from '../store/store.ts'
import { askPack, notInstalled, persistently } from './ask-pack.ts'
import type { Answered, Opening, OpenOperation, OpenPack, RunOperation } from './kit.ts'
import { listAttachments, resultBody } from './result.ts'
import { runAll } from './run-all.ts'
import { TAUGHT_PREFIX } from './taught-packs.ts'
import type { WorkerHost } from './worker-host.ts'

export interface OpenPackOptions {
  host: WorkerHost
  store: RecordStore
  moment(): Moment
  onWritten(): void
}

/** A pack as the worker has opened it. */
interface Opened {
  digest: string
  pack: OpenPack
}

/** What the worker takes as it is, whatever the pack. Of other files it depends: sound that is no WAV is decoded here. */
const goesAsItIs = (input: RunInput): boolean => !(input instanceof Blob) || /^(image|text)\//.test(input.type)

/**
 * Loads a pack in the worker and answers with it. What it is asked before it is open is sent behind that: see `Kit.opening`.
 * @throws JikoError `pack/not-installed`, `runtime/no-backend`, ...
 */
export function openPack(
  name: string,
  { host, store, moment, onWritten }: OpenPackOptions,
  { here = false, ...operation }: OpenOperation = {},
): Opening {
  const taught = name.startsWith(TAUGHT_PREFIX)
    ? import('./taught-answers.ts').then(({ openTaught }) => openTaught(name, store))
    : undefined
  let opening = open(here)

  async function open(here = false): Promise<Opened> {
    const learnt = await taught
    const base = learnt?.base ?? name
    const { digest, manifest, variant, backend } = await persistently(() =>
      host.call((api, job, onProgress) => api.open(job, base, onProgress, here ? { here } : {}), operation),
    ).catch(sayNotInstalled(base))
    const called = learnt ?? { ...manifest, threshold: manifest.decision.threshold }
    const pack: OpenPack = {
      name,
      version: called.version,
      title: called.title,
      task: manifest.task,
      takes: manifest.input.kind,
      labels: called.labels,
      threshold: called.threshold,
      variant,
      backend,
      run,
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
    return { digest, pack }
  }

  /** Only got ready beforehand it may have failed of something that can be mended, and any pack may be another by now. */
  const again = (): Promise<Opened> => {
    opening = open()
    return opening
  }

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
  ): Promise<Answered> {
    const learnt = await taught
    const base = learnt?.base ?? name
    const takes = goesAsItIs(input) ? undefined : (await opening.catch(again)).pack.takes
    const looked = await askPack(
      { name: base, takes },
      input,
      { ...operation, onText },
      { ...options, seed, features: learnt !== undefined },
      host,
    ).catch(sayNotInstalled(base))
    const now = await opening.catch(() => undefined)
    const { pack } = now?.digest === looked.packDigest ? now : await again()
    const run = learnt ? learnt.answer(looked) : looked
    const { stored, listed, ...seenAs } = listAttachments(run)
    const body = resultBody(pack, run, moment(), listed, { ...(await circumstances), ...seenAs })
    // A face that was missed can be seen by a person only: nothing is sent of it until somebody has looked.
    const unseen = run.faces !== undefined && !seen
    // Durable before it is shown: from here on the answer cannot be lost.
    const record = await appendWithRoom(
      body,
      stored.map((one) => ({ ...one, unseen })),
    )
    onWritten()
    return {
      answer: run.answer,
      record: { id: recordId(record.stream, record.seq), body, state: 'local' },
      pack,
    }
  }

  function run(input: RunInput, operation: RunOperation = {}): Promise<Answered> {
    return answer(input, operation, {})
  }

  const opened = opening.then(({ pack }) => pack)
  // Who only asks hears of it by its answer.
  opened.catch(() => undefined)
  return { opened, run }
}

/** Of its own the worker says so in other words. */
const sayNotInstalled = (name: string) => (error: unknown) => {
  throw error instanceof JikoError && error.code === 'pack/absent' ? notInstalled(name) : error
}

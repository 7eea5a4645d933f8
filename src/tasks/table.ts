import type { Bytes } from '../lib/bytes.ts'
import { createFractions, drawSeed } from '../lib/random.ts'
import { JikoError } from '../protocol/error.ts'
import type { Input } from '../protocol/input.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { type Output, outputTensors } from '../protocol/output.ts'
import type { Answer, RunModel, TaskInput } from '../protocol/task.ts'
import type { Tensors } from '../protocol/tensor.ts'
import { classesOf } from './classes.ts'
import { imageTensor } from './image-tensor.ts'

/** Turns what a person gave into what the model is fed: one set of tensors for each call of it. Pure. */
export type Prepare = (input: TaskInput) => Iterable<Tensors>

/** Turns what the model put out, call by call, into an answer. Pure. */
export type Finish = (calls: readonly Tensors[], input: TaskInput) => Answer

export interface TaskOptions {
  signal?: AbortSignal | undefined
  /** Hears text while it is written. */
  onText?: ((text: string) => void) | undefined
  /** Where text is made up: the same seed gives the same text. A whole number from 0 on; drawn when it is left out. */
  seed?: number | undefined
}

/** A task reads: prepare, run the model, finish. */
export interface Task {
  prepare: Prepare
  /** @param call the model, in a fresh state. */
  run(input: TaskInput, call: RunModel, options?: TaskOptions): Promise<Answer>
}

/** What of a manifest says what is done. */
export type TaskManifest = Pick<Manifest, 'input' | 'output' | 'labels' | 'decision'>

type ReadFile = (path: string) => Promise<Bytes>

type Given<K extends TaskInput['kind']> = Extract<TaskInput, { kind: K }>

/** @throws JikoError `input/wrong-kind` */
function given<K extends Input['kind']>(input: TaskInput, kind: K): Given<K> {
  if (input.kind === kind) return input as Given<K>
  throw new JikoError('input/wrong-kind', `this pack takes ${kind}, got ${input.kind}`, {
    detail: { wanted: kind, got: input.kind },
  })
}

/** How an input of this kind is prepared. Code that the first answer of a photo does not need is loaded when it is asked for. */
export async function prepareFor(input: Input, read: ReadFile): Promise<Prepare> {
  switch (input.kind) {
    case 'image': {
      const { checkQuality } = input.quality ? await import('./photo-quality.ts') : {}
      return (from) => {
        const { pixels } = given(from, 'image')
        checkQuality?.(pixels, input)
        return [{ [input.tensor]: imageTensor(pixels, input) }]
      }
    }
    case 'audio': {
      const { createSoundPrepare } = await import('./sound-tensor.ts')
      const prepare = createSoundPrepare(input)
      return (from) => prepare(given(from, 'audio').sound)
    }
    case 'bytes': {
      const { bytesTensor } = await import('./file-bytes.ts')
      return (from) => [{ [input.tensor]: bytesTensor(given(from, 'bytes').bytes, input) }]
    }
    case 'text': {
      const { features } = input
      if (features.kind === 'ngrams') {
        const { ngramTensor } = await import('./ngrams.ts')
        return (from) => [{ [features.tensor]: ngramTensor(given(from, 'text').text, features) }]
      }
      const { openTokens, tokenTensors } = await import('./tokens.ts')
      const tokens = await openTokens(features, read)
      return (from) => [tokenTensors(tokens.encode(given(from, 'text').text), features)]
    }
  }
}

const mismatch = (input: Input, output: Output): JikoError =>
  new JikoError('task/unknown', `this version cannot answer ${input.kind} with ${output.kind}`)

async function finishFor(
  { input, output, ...manifest }: TaskManifest,
  prepare: Prepare,
  read: ReadFile,
): Promise<Finish> {
  const first = (calls: readonly Tensors[]): Tensors => calls[0] ?? {}
  switch (output.kind) {
    case 'classes':
      return (calls) => classesOf(calls, output, manifest)
    case 'boxes': {
      if (input.kind !== 'image') throw mismatch(input, output)
      const { boxesOf } = await import('./boxes.ts')
      return (calls, from) => boxesOf(first(calls), output, manifest, input, given(from, 'image').pixels)
    }
    case 'text': {
      const { lineOf } = await import('./read-line.ts')
      return (calls) => lineOf(first(calls), output, manifest.decision)
    }
    case 'embedding': {
      const { embeddingOf } = await import('./embedding.ts')
      const mask = input.kind === 'text' && input.features.kind === 'tokens' ? input.features.mask : undefined
      return (calls, from) => {
        const [fed] = mask === undefined ? [] : prepare(from)
        return embeddingOf(first(calls), output, mask === undefined ? undefined : fed?.[mask])
      }
    }
    case 'tokens': {
      if (input.kind !== 'text' || input.features.kind !== 'tokens') throw mismatch(input, output)
      const { features } = input
      const [{ spansOf }, { openTokens }] = await Promise.all([import('./spans.ts'), import('./tokens.ts')])
      const tokens = await openTokens(features, read)
      return (calls, from) => {
        const { text } = given(from, 'text')
        const ids = tokens.encode(text).slice(0, features.length)
        return spansOf(first(calls), output, manifest, { text, ids, tokens })
      }
    }
    case 'segments': {
      if (input.kind !== 'audio') throw mismatch(input, output)
      const { segmentsOf } = await import('./segments.ts')
      return (calls, from) => segmentsOf(calls, output, input, given(from, 'audio').sound)
    }
    case 'image': {
      const { pictureOf } = await import('./picture.ts')
      return (calls) => pictureOf(first(calls), output)
    }
    case 'page':
    case 'generate':
      throw mismatch(input, output)
  }
}

/** Text in a photo: what the first graph finds, the second one reads. */
async function pageReaderFor({ input, output, decision }: TaskManifest, read: ReadFile): Promise<Task> {
  if (output.kind !== 'page' || input.kind !== 'image') throw mismatch(input, output)
  const [{ readPage }, prepare] = await Promise.all([import('./page/read-page.ts'), prepareFor(input, read)])
  return {
    prepare,
    async run(from, call, { signal } = {}) {
      const [fed = {}] = prepare(from)
      return readPage(given(from, 'image').pixels, fed, { output, input, decision }, call, signal)
    },
  }
}

/** Text that is written token after token: each call depends on the answer of the one before. */
async function writerFor(manifest: TaskManifest, read: ReadFile): Promise<Task> {
  const { input, output, decision } = manifest
  if (output.kind !== 'generate' || input.kind !== 'text' || input.features.kind !== 'tokens')
    throw mismatch(input, output)
  const { features } = input
  const [{ generate }, { openTokens }] = await Promise.all([import('./generate.ts'), import('./tokens.ts')])
  const [prepare, tokens] = await Promise.all([prepareFor(input, read), openTokens(features, read)])
  return {
    prepare,
    run: (from, call, { seed = drawSeed(), ...options } = {}) =>
      generate(given(from, 'text').text, tokens, features, output, decision, call, {
        random: createFractions(seed),
        ...options,
      }),
  }
}

/**
 * What a pack does, by the kinds of its input and output.
 * @param read files of the pack, such as a tokenizer.
 * @throws JikoError `task/unknown` for a pack made for a newer app, `pack/bad-tokenizer`
 */
export async function taskFor(manifest: TaskManifest, read: ReadFile): Promise<Task> {
  if (manifest.output.kind === 'generate') return writerFor(manifest, read)
  if (manifest.output.kind === 'page') return pageReaderFor(manifest, read)
  const prepare = await prepareFor(manifest.input, read)
  const finish = await finishFor(manifest, prepare, read)
  const needed = outputTensors(manifest.output)
  return {
    prepare,
    async run(input, call, { signal } = {}) {
      const calls: Tensors[] = []
      for (const inputs of prepare(input)) {
        signal?.throwIfAborted()
        const outputs = await call(inputs)
        // A long sound has many calls, whose other outputs are only the model's memory.
        calls.push(Object.fromEntries(Object.entries(outputs).filter(([name]) => needed.includes(name))) as Tensors)
      }
      return finish(calls, input)
    },
  }
}

import type { Bytes } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import type { Input } from '../protocol/input.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { Answer, RunModel, TaskInput } from '../protocol/task.ts'
import type { Tensors } from '../protocol/tensor.ts'
import { classesOf } from './classes.ts'
import { imageTensor } from './image-tensor.ts'

/** Goes into every record: change it whenever the same photo would give other tensors or other scores. */
export const TASKS_VERSION = '1'

/** Turns what a person gave into what the model is fed: one set of tensors for each call of it. Pure. */
export type Prepare = (input: TaskInput) => Iterable<Tensors>

/** Turns what the model put out, call by call, into an answer. Pure. */
export type Finish = (calls: readonly Tensors[], input: TaskInput) => Answer

/** A task reads: prepare, run the model, finish. */
export interface Task {
  prepare: Prepare
  /** @param call the model, in a fresh state. */
  run(input: TaskInput, call: RunModel, signal?: AbortSignal): Promise<Answer>
}

type ReadFile = (path: string) => Promise<Bytes>

const wrongKind = (wanted: Input['kind'], got: TaskInput['kind']): JikoError =>
  new JikoError('input/wrong-kind', `this pack takes ${wanted}, got ${got}`, { detail: { wanted, got } })

/** How an input of this kind is prepared. Code that the first answer of a photo does not need is loaded when it is asked for. */
export async function prepareFor(input: Input, _read: ReadFile): Promise<Prepare> {
  switch (input.kind) {
    case 'image':
      return (given) => {
        if (given.kind !== 'image') throw wrongKind(input.kind, given.kind)
        return [{ [input.tensor]: imageTensor(given.pixels, input) }]
      }
    default:
      throw new JikoError('task/unknown', `this version cannot look at ${input.kind} yet`)
  }
}

async function finishFor({ output, ...manifest }: Manifest): Promise<Finish> {
  switch (output.kind) {
    case 'classes':
      return (calls) => classesOf(calls, output, manifest)
    default:
      throw new JikoError('task/unknown', `this version cannot answer with ${output.kind} yet`)
  }
}

/**
 * What a pack does, by the kinds of its input and output.
 * @param read files of the pack, such as a tokenizer.
 * @throws JikoError `task/unknown` for a pack made for a newer app.
 */
export async function taskFor(manifest: Manifest, read: ReadFile): Promise<Task> {
  const prepare = await prepareFor(manifest.input, read)
  const finish = await finishFor(manifest)
  return {
    prepare,
    async run(input, call, signal) {
      const calls: Tensors[] = []
      for (const inputs of prepare(input)) {
        signal?.throwIfAborted()
        calls.push(await call(inputs))
      }
      return finish(calls, input)
    },
  }
}

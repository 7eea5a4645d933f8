import { JikoError } from '../protocol/error.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { Answer, Pixels } from '../protocol/task.ts'
import type { Tensors } from '../protocol/tensor.ts'
import { imageClassification } from './image-classification.ts'

/** A task reads: prepare, run the model, finish. Both are pure. */
export interface Task {
  prepare(input: Pixels, manifest: Manifest): Tensors
  finish(outputs: Tensors, manifest: Manifest): Answer
}

/** Goes into every record: change it whenever the same photo would give other tensors or other scores. */
export const TASKS_VERSION = '1'

const tasks: Readonly<Record<string, Task>> = { 'image-classification': imageClassification }

/** @throws JikoError `task/unknown` for a pack made for a newer app. */
export function taskFor(name: string): Task {
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined
  if (task) return task
  throw new JikoError(
    'task/unknown',
    `this version does not know the task "${name}"; it knows ${Object.keys(tasks).join(', ')}`,
  )
}

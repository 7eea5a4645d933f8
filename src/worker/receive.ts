import { JikoError } from '../protocol/error.ts'
import type { Input } from '../protocol/input.ts'
import type { TaskInput } from '../protocol/task.ts'
import type { RunAttachment, RunInput } from '../protocol/worker.ts'
import { decodePhoto } from './decode-photo.ts'

/** What a person gave, decoded for the task, and what of it is kept with the record. */
export interface Received {
  input: TaskInput
  attachments: RunAttachment[]
}

/** @throws JikoError `input/wrong-kind` for text where a photo is wanted and the like, `input/...` for what cannot be read. */
export async function receive(given: RunInput, input: Input): Promise<Received> {
  if (input.kind === 'image' && given instanceof Blob) {
    const { pixels, attachments } = await decodePhoto(given, input)
    return { input: { kind: 'image', pixels }, attachments }
  }
  const got = typeof given === 'string' ? 'text' : given instanceof Blob ? 'a file' : 'sound'
  throw new JikoError('input/wrong-kind', `this pack takes ${input.kind}, got ${got}`, {
    detail: { wanted: input.kind, got },
  })
}

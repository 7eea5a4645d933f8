import { JikoError } from '../protocol/error.ts'
import type { Input } from '../protocol/input.ts'
import type { TaskInput } from '../protocol/task.ts'
import { createImageDecoder } from './decode-image.ts'
import { readBytes } from './files.ts'

/** Reads a file as what a pack looks at. @throws JikoError `input/...` for one that cannot be read, `cli/no-file` */
export type ReadInput = (path: string) => Promise<TaskInput>

export function createReadInput(kind: Input['kind']): ReadInput {
  switch (kind) {
    case 'image': {
      const decode = createImageDecoder()
      return async (path) => ({ kind, pixels: await decode(await readBytes(path)) })
    }
    case 'audio':
      throw new JikoError('input/unsupported', 'Sound cannot be read here yet.')
    case 'text':
      return async (path) => ({ kind, text: new TextDecoder().decode(await readBytes(path)) })
    case 'bytes':
      return async (path) => ({ kind, bytes: await readBytes(path) })
  }
}

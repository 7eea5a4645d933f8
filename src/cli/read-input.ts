import type { Bytes } from '../lib/bytes.ts'
import { decodeWav } from '../lib/wav.ts'
import { JikoError } from '../protocol/error.ts'
import type { Input } from '../protocol/input.ts'
import type { Sound, TaskInput } from '../protocol/task.ts'
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
      return async (path) => ({ kind, sound: readSound(await readBytes(path), path) })
    case 'text':
      return async (path) => ({ kind, text: new TextDecoder().decode(await readBytes(path)) })
    case 'bytes':
      return async (path) => ({ kind, bytes: await readBytes(path) })
  }
}

function readSound(bytes: Bytes, path: string): Sound {
  try {
    return decodeWav(bytes)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new JikoError('input/not-a-sound', `${path} cannot be read as WAV: ${why}`, { cause })
  }
}

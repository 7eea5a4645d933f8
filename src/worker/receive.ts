import { JikoError } from '../protocol/error.ts'
import type { AudioInput, Input } from '../protocol/input.ts'
import type { Pixels, Sound, TaskInput } from '../protocol/task.ts'
import type { RunAttachment, RunInput } from '../protocol/worker.ts'
import { decodePhoto } from './decode-photo.ts'

/** What a person gave, decoded for the task, and what of it is kept with the record. */
export interface Received {
  input: TaskInput
  /** May still be in the making while the model computes. */
  attachments: RunAttachment[] | Promise<RunAttachment[]>
  /** Of a photo in which faces are still to be hidden: what is kept then, with nothing encoded yet. Whoever hides them may write into it. */
  photo?: Pixels
}

/** A longer text is no message. UTF-16 units. */
const LONGEST_TEXT = 100_000
const LARGEST_SOUND = 64 * 1024 * 1024

const isSound = (given: RunInput): given is Sound => typeof given !== 'string' && !(given instanceof Blob)

/** @throws JikoError `input/wrong-kind` for text where a photo is wanted and the like, `input/...` for what cannot be read. */
export async function receive(given: RunInput, input: Input, hiding = false): Promise<Received> {
  if (given instanceof Blob) {
    if (input.kind === 'image') {
      const { pixels, ...kept } = await decodePhoto(given, input, hiding)
      return { input: { kind: 'image', pixels }, ...kept }
    }
    if (input.kind === 'audio') return receiveSound(await readWav(given), input)
    // Other people's files are not kept: only what was said of them.
    if (input.kind === 'bytes') return { input: { kind: 'bytes', bytes: await edgesOf(given, input) }, attachments: [] }
    if (given.type.startsWith('text/')) return receiveText(await given.text())
  } else if (typeof given === 'string') {
    if (input.kind === 'text') return receiveText(given)
  } else if (input.kind === 'audio') return receiveSound(given, input)
  const got = typeof given === 'string' ? 'text' : isSound(given) ? 'sound' : given.type || 'a file'
  throw new JikoError('input/wrong-kind', `this pack takes ${input.kind}, got ${got}`, {
    detail: { wanted: input.kind, got },
  })
}

function receiveText(text: string): Received {
  if (text.length > LONGEST_TEXT) {
    throw new JikoError('input/too-long', `the text has ${text.length} characters; at most ${LONGEST_TEXT} are read`, {
      detail: { characters: text.length, most: LONGEST_TEXT },
    })
  }
  const bytes = new TextEncoder().encode(text)
  return { input: { kind: 'text', text }, attachments: [{ role: 'input', type: 'text/plain', bytes }] }
}

async function readWav(file: Blob): Promise<Sound> {
  if (file.size > LARGEST_SOUND) {
    const megabytes = Math.round(file.size / 1e6)
    throw new JikoError('input/too-large', `the sound file has ${megabytes} MB; at most 64 MB can be opened`, {
      detail: { megabytes, most: 64 },
    })
  }
  const { decodeWav } = await import('../lib/wav.ts')
  try {
    return decodeWav(new Uint8Array(await file.arrayBuffer()))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new JikoError('input/not-a-sound', `not a sound file that can be opened here: ${why}`, { cause })
  }
}

/** Kept is what the model heard, at its rate: no place, no name, no date of a recorder's file comes along. */
async function receiveSound(sound: Sound, { rate }: AudioInput): Promise<Received> {
  const [{ encodeWav }, { checkLength, resampleSound }] = await Promise.all([
    import('../lib/wav.ts'),
    import('../tasks/sound.ts'),
  ])
  checkLength(sound)
  const heard: Sound = { samples: resampleSound(sound, rate), rate }
  const bytes = encodeWav(heard.samples, rate)
  return { input: { kind: 'audio', sound: heard }, attachments: [{ role: 'input', type: 'audio/wav', bytes }] }
}

/** A file as far as the model looks at it: what lies between, of a long one, is never read. */
async function edgesOf(file: Blob, { begin, middle, end, strip = 0 }: Extract<Input, { kind: 'bytes' }>) {
  const edge = Math.max(begin, middle, end, strip, 1)
  if (file.size <= 4 * edge || middle > 0) return new Uint8Array(await file.arrayBuffer())
  const edges = new Blob([file.slice(0, edge * 2), file.slice(file.size - edge * 2)])
  return new Uint8Array(await edges.arrayBuffer())
}

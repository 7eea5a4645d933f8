import { isAbort } from '../lib/abort.ts'
import { JikoError } from '../protocol/error.ts'
import type { Pixels } from '../protocol/task.ts'
import type { KeptPhoto, RunAttachment } from '../protocol/worker.ts'
import { startCalls } from '../runtime/feeding.ts'
import { type Area, areaOf, coarsen, countApart, cutOut, viewsOf } from '../tasks/hide-faces.ts'
import type { LoadedPack } from './pack-room.ts'

/** Cells that a face is left with, try after try: where the finder still sees one among 4 x 4 colours, one colour is left. */
const CELLS = [4, 2, 1]

export type Finder = Pick<LoadedPack, 'manifest' | 'task' | 'session' | 'digest'>

export interface HidingDeps {
  /** Gives the pack that finds faces to some work, on whichever backend works. */
  withFinder<T>(work: (finder: Finder) => Promise<T>): Promise<T>
  /** Turns a picture that was made into a file, and a photo into those that are kept. */
  encode(pixels: Pixels): Promise<RunAttachment>
  encodePhoto(pixels: Pixels): Promise<RunAttachment[]>
  signal: AbortSignal
}

/** What the finder sees in a picture, looked at as a whole and closer, with a margin around each. */
async function lookFor({ manifest, task, session }: Finder, picture: Pixels, signal: AbortSignal): Promise<Area[]> {
  const { name, input, output } = manifest
  if (input.kind !== 'image' || output.kind !== 'boxes') {
    throw new JikoError(
      'pack/no-finder',
      `${name} finds nothing in photos: it takes ${input.kind} and answers ${output.kind}`,
    )
  }
  const found: Area[] = []
  for (const view of viewsOf(picture, Math.min(input.width, input.height))) {
    signal.throwIfAborted()
    const given = { kind: 'image' as const, pixels: cutOut(picture, view) }
    const answer = await task.run(given, startCalls(session, manifest), { signal })
    if (answer.kind === 'boxes') found.push(...answer.boxes.map((box) => areaOf(box, view, picture)))
  }
  return found
}

/**
 * Hides every face in a picture, in place, and looks again until the finder sees none.
 * @param hidden what was hidden in it before, to which it adds: where a finder fails in the middle, the next one does not
 * see those any more.
 * @returns how many there are
 * @throws JikoError `task/still-a-face`, `pack/no-finder`, whatever the finder fails with
 */
export async function hideFaces(
  finder: Finder,
  picture: Pixels,
  signal: AbortSignal,
  hidden: Area[] = [],
): Promise<number> {
  for (const cells of CELLS) {
    const found = await lookFor(finder, picture, signal)
    if (found.length === 0) return countApart(hidden)
    for (const area of found) coarsen(picture, area, cells)
    hidden.push(...found)
  }
  if ((await lookFor(finder, picture, signal)).length === 0) return countApart(hidden)
  throw new JikoError('task/still-a-face', 'what was hidden still looks like a face to its finder')
}

/** Why a photo is not kept; whoever gave up waiting is told so instead. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  if (isAbort(error) || signal.aborted) throw error
  return error instanceof JikoError ? error.code : 'worker/failed'
}

/**
 * Hides the faces in a photo, in place, and in what a model made of it, and encodes them. Where nobody can look for faces, or
 * one cannot be hidden, none of them is kept; the answer stands.
 */
export async function keepHidden(
  photo: Pixels,
  made: readonly Pixels[],
  { withFinder, encode, encodePhoto, signal }: HidingDeps,
): Promise<KeptPhoto> {
  try {
    // Whoever asked sees what was made as it was made.
    const copies = made.map((pixels) => ({ ...pixels, data: pixels.data.slice() }))
    // What is left when a backend fails in the middle is hidden already: the next one goes on with it.
    const pictures = [photo, ...copies].map((picture) => ({ picture, before: [] as Area[] }))
    const faces = await withFinder(async (finder) => {
      let hidden = 0
      for (const { picture, before } of pictures) hidden += await hideFaces(finder, picture, signal, before)
      const { name, version } = finder.manifest
      return { hidden, by: { name, version, digest: finder.digest } }
    })
    return { attachments: [...(await encodePhoto(photo)), ...(await Promise.all(copies.map(encode)))], faces }
  } catch (error) {
    return { attachments: [], faces: { unkept: reasonOf(error, signal) } }
  }
}

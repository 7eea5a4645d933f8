import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import encode, { init } from '@jsquash/jpeg/encode.js'
import { createImageDecoder } from '../../src/cli/decode-image.ts'
import { createEngines } from '../../src/cli/engines.ts'
import { openFolder } from '../../src/cli/pack/open-folder.ts'
import { writePack } from '../../src/cli/pack/write-pack.ts'
import { table } from '../../src/cli/text.ts'
import type { Pixels } from '../../src/protocol/task.ts'
import { startCalls } from '../../src/runtime/feeding.ts'
import { openSession } from '../../src/runtime/open-session.ts'
import { viewsOf } from '../../src/tasks/hide-faces.ts'
import { resample } from '../../src/tasks/resample.ts'
import { taskFor } from '../../src/tasks/table.ts'
import { type Finder, hideFaces } from '../../src/worker/hide-faces.ts'
import { buildReal, realPacks } from '../helpers/real-packs.ts'
import { hasMaterials, MATERIALS } from '../helpers/sample-inputs.ts'
import { throwAwaySigner } from '../helpers/synthetic-pack.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const PHOTOS = join(MATERIALS, 'datasets/sample-photos')
const { signal } = new AbortController()
const decode = createImageDecoder()

/** A patch too many is no harm, a face too many is: as docs/forms.md advises. */
const LEAST = 0.4

/** Of the face in the middle of the photo `face`, pixels at its own size. */
const FACE = { width: 130, photo: 'face.jpg' }
/** What a phone keeps of a photo. */
const KEPT = { width: 1600, height: 1200 }
const FACES = [20, 30, 40, 60, 80, 120, 200]

const scaled = (from: Pixels, width: number, height: number): Pixels =>
  resample(from, { x: 0, y: 0, width: from.width, height: from.height }, width, height)
const copyOf = (picture: Pixels): Pixels => ({ ...picture, data: picture.data.slice() })

/** Pixels as they are read back from the file that is kept. */
async function asKept({ width, height, data }: Pixels): Promise<Pixels> {
  const file = await encode({ width, height, data, colorSpace: 'srgb' } as ImageData, { quality: 85 })
  return decode(new Uint8Array(file))
}

async function openFinder(folder: string, name: string, key: string): Promise<Finder & { backend: string }> {
  const { manifest, read, digest } = await openFolder(join(folder, name), [key])
  const [variant] = manifest.variants
  if (!variant) throw new Error(`${name} has no variant`)
  const { session, backend } = await openSession(variant, manifest, createEngines().backends, read)
  return { manifest, session, digest, backend, task: await taskFor(manifest, read) }
}

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const begun = performance.now()
  return { value: await work(), ms: performance.now() - begun }
}

/** Faces that are seen in a picture as a whole, without looking closer. */
async function seenAtOnce({ manifest, task, session }: Finder, picture: Pixels): Promise<number> {
  const answer = await task.run({ kind: 'image', pixels: picture }, startCalls(session, manifest))
  return answer.kind === 'boxes' ? answer.boxes.length : 0
}

/** `npm run bench -- faces [FOLDER]`: what finders find in photos, how long it takes, and what they still see in what is kept. */
export async function bench([folder = PHOTOS]: readonly string[]): Promise<void> {
  if (!hasMaterials) throw new Error('the finders are in shared/materials beside the project, which is not there')
  const wasm = createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm')
  await init(await WebAssembly.compile(readFileSync(wasm)))
  const packs = temporaryFolder()
  const signer = await throwAwaySigner()
  const photos = (await readdir(folder)).filter((name) => /\.jpe?g$/i.test(name)).sort()
  for (const pack of realPacks().filter(({ name }) => name.startsWith('faces-'))) {
    const { output } = pack.source
    if (typeof output !== 'object' || output.kind !== 'boxes') throw new Error(`${pack.name} finds no boxes`)
    const eager = { ...pack, source: { ...pack.source, output: { ...output, least: LEAST } } }
    await writePack(packs, await buildReal(eager, createEngines(), signer))
    const finder = await openFinder(packs, pack.name, signer.key)
    const { input } = finder.manifest
    const side = input.kind === 'image' ? Math.min(input.width, input.height) : 0
    console.log(`\n${pack.name} on ${finder.backend}, least ${LEAST}, ${basename(folder)}`)
    const rows: string[][] = []
    for (const name of photos) {
      const picture = await decode(new Uint8Array(await readFile(join(folder, name))))
      const { value: hidden, ms } = await timed(() => hideFaces(finder, picture, signal))
      const left = await hideFaces(finder, await asKept(picture), signal)
      const views = viewsOf(picture, side).length
      rows.push([name, `${picture.width} x ${picture.height}`, `${views}`, ms.toFixed(0), `${hidden}`, `${left}`])
    }
    console.log(table([['photo', 'size', 'views', 'ms', 'hidden', 'seen in what is kept'], ...rows]))

    const face = await decode(new Uint8Array(await readFile(join(PHOTOS, FACE.photo))))
    const ground = scaled(
      await decode(new Uint8Array(await readFile(join(PHOTOS, 'owl.jpg')))),
      KEPT.width,
      KEPT.height,
    )
    const times: number[] = []
    const small: string[][] = []
    for (const pixels of FACES) {
      const scale = pixels / FACE.width
      const group = scaled(face, Math.round(face.width * scale), Math.round(face.height * scale))
      const picture = copyOf(ground)
      for (let y = 0; y < Math.min(group.height, KEPT.height - 200); y++) {
        const row = group.data.subarray(y * group.width * 4, (y + 1) * group.width * 4)
        picture.data.set(row.subarray(0, (KEPT.width - 300) * 4), ((y + 200) * KEPT.width + 300) * 4)
      }
      const whole = await seenAtOnce(finder, picture)
      const { value: hidden, ms } = await timed(() => hideFaces(finder, picture, signal))
      times.push(ms)
      small.push([`${pixels}`, `${whole}`, `${hidden}`, `${await hideFaces(finder, await asKept(picture), signal)}`])
    }
    console.log(`\nfour faces in a photo of ${KEPT.width} x ${KEPT.height}, the largest so many pixels wide`)
    console.log(table([['pixels', 'seen in the whole', 'hidden, looked at closer', 'seen in what is kept'], ...small]))
    const empty = await timed(() => hideFaces(finder, copyOf(ground), signal))
    const views = viewsOf(ground, side).length
    console.log(
      `${views} views: ${empty.ms.toFixed(0)} ms where nothing is found, at most ${Math.max(...times).toFixed(0)} ms where faces are hidden and looked for again`,
    )
    await finder.session.dispose()
  }
}

import type { Pixels } from '../../src/protocol/task.ts'
import { imageTensor } from '../../src/tasks/image-tensor.ts'
import { decodePhoto } from '../../src/worker/decode-photo.ts'
import { IMAGE_INPUT as input } from './image-input.ts'

/** A worker that decodes photos as ours does and as it would be done without thought; bundled by the bench and the test. */
/** Patches, edges and grain: neither noise, which no camera makes, nor one colour. */
async function photo(width: number, height: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d')
  if (!context) throw new Error('no canvas')
  let state = 1
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  for (let i = 0; i < 3000; i++) {
    context.fillStyle = `rgb(${256 * random()} ${256 * random()} ${256 * random()} / 60%)`
    context.beginPath()
    context.ellipse(width * random(), height * random(), 120 * random() + 2, 90 * random() + 2, 6 * random(), 0, 7)
    context.fill()
  }
  return new Blob([await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 })])
}

/** The same file with a note that says how it is to be turned, as phones write it. */
async function noted(photo: Blob, orientation: number): Promise<Blob> {
  const note = new Uint8Array(36)
  const view = new DataView(note.buffer)
  view.setUint16(0, 0xffe1)
  view.setUint16(2, 34)
  view.setUint32(4, 0x45786966)
  view.setUint16(10, 0x4d4d)
  view.setUint16(12, 42)
  view.setUint32(14, 8)
  view.setUint16(18, 1)
  view.setUint16(20, 0x0112)
  view.setUint16(22, 3)
  view.setUint32(24, 1)
  view.setUint16(28, orientation)
  return new Blob([photo.slice(0, 2), note, photo.slice(2)], { type: 'image/jpeg' })
}

/** Every pixel of the file, on a canvas. */
async function whole(blob: Blob): Promise<Pixels> {
  const bitmap = await createImageBitmap(blob)
  const { width, height } = bitmap
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error('no canvas')
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  return { width, height, data: context.getImageData(0, 0, width, height).data as Pixels['data'] }
}

/** A photo as the model is fed it, and when the record has its own of it. */
const ways = {
  ours: (blob: Blob) => decodePhoto(blob, input),
  whole: async (blob: Blob) => ({ pixels: await whole(blob), attachments: Promise.resolve([]) }),
}
export type DecodeRequest =
  | { make: { width: number; height: number; orientation: number } }
  | { way: keyof typeof ways; photo: Blob }
/** Milliseconds until the model can be fed, and until the record has what it keeps too. */
export type DecodeReply =
  | { photo: Blob }
  | { ms: number; all: number; width: number; height: number; tensor: Float32Array }

addEventListener('message', async ({ data }: MessageEvent<DecodeRequest>) => {
  if ('make' in data) {
    const { width, height, orientation } = data.make
    postMessage({ photo: await noted(await photo(width, height), orientation) } satisfies DecodeReply)
    return
  }
  const begun = performance.now()
  const { pixels, attachments } = await ways[data.way](data.photo)
  const tensor = imageTensor(pixels, input).data as Float32Array
  const { width, height } = pixels
  const ms = performance.now() - begun
  await attachments
  postMessage({ ms, all: performance.now() - begun, width, height, tensor } satisfies DecodeReply)
})

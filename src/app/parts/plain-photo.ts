import { JikoError } from '../../protocol/error.ts'

const LONGEST = 1600

/** The picture and nothing else: what a camera writes beside it (where, when, which phone) stays behind. @throws JikoError `input/not-an-image` */
export async function plainPhoto(file: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(file).catch((cause) => {
    throw new JikoError('input/not-an-image', 'that is no photo which can be opened here', { cause })
  })
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height))
  const canvas = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale))
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  bitmap.close()
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 })
}

import { JikoError } from '../../protocol/error.ts'
import type { HubPreprocessor } from '../../protocol/hugging-face.ts'
import type { ImageInput } from '../../protocol/input.ts'

export interface GuessedImage {
  readonly image: Pick<ImageInput, 'fit' | 'order' | 'mean' | 'std'> & { width?: number; height?: number }
  /** What was read out of the file, and what of it cannot be done here, for a person to read. */
  readonly said: readonly string[]
}

type Triple = [number, number, number]

const RESAMPLING = ['nearest', 'Lanczos', 'bilinear', 'bicubic', 'box', 'Hamming']

function triple(value: number | readonly number[] | null | undefined, otherwise: number, name: string): Triple {
  const list = typeof value === 'number' ? [value, value, value] : (value ?? [otherwise, otherwise, otherwise])
  const [a, b, c] = list
  if (list.length === 3 && a !== undefined && b !== undefined && c !== undefined) return [a, b, c]
  throw new JikoError(
    'model/not-an-image',
    `preprocessor_config.json has ${list.length} numbers as ${name}; a colour picture needs 3.`,
  )
}

/** Turns what transformers does to a picture into `(pixel - mean) / std`. @throws JikoError `model/not-an-image`, `model/bad-repository` */
export function guessPreprocessing(file: HubPreprocessor): GuessedImage {
  const said: string[] = []
  const scale = file.do_rescale === false ? 1 : (file.rescale_factor ?? 1 / 255)
  const shift = file.rescale_offset ? 1 : 0
  const normalise = file.do_normalize !== false && (file.do_normalize === true || file.image_mean != null)
  const mean = triple(normalise ? file.image_mean : 0, 0.5, 'image_mean')
  const std = triple(normalise ? file.image_std : 1, 0.5, 'image_std')
  if (std.includes(0)) throw new JikoError('model/bad-repository', 'preprocessor_config.json divides by 0 (image_std).')
  const rounded = (value: number): number => Number(value.toPrecision(7))
  const size = sides(file.size)
  const crop = file.do_center_crop === true || (file.do_center_crop == null && file.crop_size != null)
  const target = (crop ? sides(file.crop_size) : undefined) ?? size
  // A square that the whole picture is pressed into, unless its shape is kept by the shorter side or by a crop.
  const fit = crop || size?.shortest ? 'cover' : 'stretch'
  if (crop && size && target && size.width > target.width)
    said.push(`cuts ${target.width} out of ${size.width} there, here the whole shorter side is seen`)
  if (file.crop_pct != null) said.push(`crop_pct ${file.crop_pct} is left out`)
  if (file.include_top) said.push('include_top is left out')
  if (file.resample != null && file.resample !== 2)
    said.push(`resamples ${RESAMPLING[file.resample] ?? file.resample} there, bilinear with antialiasing here`)
  return {
    image: {
      fit,
      order: file.do_flip_channel_order ? 'bgr' : 'rgb',
      mean: mean.map((value) => rounded((value + shift) / scale)) as Triple,
      std: std.map((value) => rounded(value / scale)) as Triple,
      ...(target && { width: target.width, height: target.height }),
    },
    said,
  }
}

function sides(side: HubPreprocessor['size']): { width: number; height: number; shortest: boolean } | undefined {
  if (side == null) return undefined
  if (typeof side === 'number') return { width: side, height: side, shortest: false }
  if (side.shortest_edge) return { width: side.shortest_edge, height: side.shortest_edge, shortest: true }
  return side.width && side.height ? { width: side.width, height: side.height, shortest: false } : undefined
}

import * as v from 'valibot'
import { elementCount } from './dims.ts'
import { Count, InnerPath, PositiveCount } from './primitives.ts'

/** Name of one of the graph's inputs or outputs. */
export const TensorName = v.pipe(v.string(), v.minLength(1), v.maxLength(256))
export const Dims = v.pipe(v.array(Count), v.maxLength(8))
const Finite = v.pipe(v.number(), v.finite())
const Numbers = v.pipe(v.array(Finite), v.minLength(1), v.maxLength(1024))
const Divisors = v.pipe(
  Numbers,
  v.check((values) => !values.includes(0), 'expected no zero'),
)
const Side = v.pipe(PositiveCount, v.maxValue(4096))
/** Ten minutes at 48 kHz: memory on the phone is bounded by it. */
const Samples = v.pipe(PositiveCount, v.maxValue(28_800_000))
const Grams = v.pipe(v.array(v.pipe(PositiveCount, v.maxValue(16))), v.maxLength(16))

/** How an image becomes a tensor: `(pixel - mean) / std` per channel, pixels 0-255. */
export const ImageInput = v.strictObject({
  kind: v.literal('image'),
  /** Its shape is [1, channels, height, width] for `nchw`, [1, height, width, channels] for `nhwc`. */
  tensor: TensorName,
  /** Element type; `uint8` takes rounded values. Default float32. */
  type: v.optional(v.picklist(['float32', 'uint8'])),
  /** Of the tensor, or the most, where `fit` says so: a longer line is pressed together. */
  width: Side,
  height: Side,
  /**
   * `cover`: scale to fill, crop the centre. `contain`: scale to fit, pad; with `step` no further than to multiples of it.
   * `stretch`: ignore the aspect ratio. `line`: scale to `height`; the width follows, padded up to a multiple of `step`, at
   * most `width`.
   */
  fit: v.picklist(['cover', 'contain', 'stretch', 'line']),
  step: v.optional(Side),
  /** Turn the picture a quarter clockwise first when its long side is the other one. */
  orient: v.optional(v.picklist(['landscape', 'portrait'])),
  layout: v.picklist(['nchw', 'nhwc']),
  /** Channels in the tensor's order; `grey` is one channel, 0.299 R + 0.587 G + 0.114 B rounded. */
  order: v.picklist(['rgb', 'bgr', 'grey']),
  /** One number a channel, in the tensor's order. */
  mean: Numbers,
  std: Divisors,
  /** Colour of the padding of `contain` and `line`, RGB 0-255. Default black. */
  pad: v.optional(v.tuple([v.number(), v.number(), v.number()])),
  /** Where `contain` puts the picture. Default the centre; with `step` it begins at the corner. */
  place: v.optional(v.literal('top-left')),
  /**
   * After fitting, of `grey` only: this share of the pixels becomes black, as many white, the others are spread between.
   * Makes paper white and ink black whatever the light was.
   */
  stretch: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(0.4))),
  /** After all that, of `grey` only: 255 - pixel. */
  invert: v.optional(v.boolean()),
  /** What a photo must have before it is judged; see `tasks/photo-quality.ts` for the measures. */
  quality: v.optional(
    v.strictObject({
      /** Smallest mean brightness, 0-255: below it `input/too-dark`. */
      light: v.optional(v.number()),
      /** Smallest sharpness: below it `input/too-blurred`. */
      sharp: v.optional(v.number()),
      /** Smallest shorter side in pixels: below it `input/too-small`. */
      side: v.optional(PositiveCount),
    }),
  ),
})
export type ImageInput = v.InferOutput<typeof ImageInput>

/** Short-time spectra, grouped into bands. Frame `t` is samples `t*hop` to `t*hop + window`; there is no padding around. */
const Bands = {
  /** Points of the Fourier transform; a frame shorter than it is followed by zeros. */
  fft: v.pipe(PositiveCount, v.maxValue(8192)),
  /** Samples of a frame, and from one frame's start to the next. */
  window: v.pipe(PositiveCount, v.maxValue(8192)),
  hop: v.pipe(PositiveCount, v.maxValue(8192)),
  /** `hann` is 0.5 - 0.5 cos(2πn/window), periodic; `hamming` 0.54 - 0.46 cos(2πn/window). */
  shape: v.picklist(['hann', 'hamming', 'none']),
  /** 1: magnitudes go into the bands; 2: their squares. */
  power: v.picklist([1, 2]),
  bands: v.pipe(PositiveCount, v.maxValue(256)),
  /** Hertz at which the first band begins and the last one ends. */
  low: v.pipe(v.number(), v.minValue(0)),
  high: v.pipe(v.number(), v.gtValue(0)),
  /** `htk`: 2595 log10(1 + f/700). `slaney`: linear to 1 kHz, logarithmic above. */
  scale: v.picklist(['htk', 'slaney']),
  /** Where the triangles have straight sides: over `mel` (TensorFlow) or over `hertz` (librosa, torchaudio). */
  triangles: v.picklist(['mel', 'hertz']),
  /** `slaney` divides each band by half its width in hertz. Default none. */
  norm: v.optional(v.literal('slaney')),
  /** `add`: ln(band + floor). `clamp`: ln(max(band, floor)). */
  floor: v.pipe(v.number(), v.gtValue(0)),
  log: v.picklist(['add', 'clamp']),
  /** `(value - mean) / std`, one number or one a band (a coefficient). Default 0 and 1. */
  mean: v.optional(Numbers),
  std: v.optional(Divisors),
  /** Of the tensor: ones, and the counts of frames and of bands (coefficients) in the order `layout` says. */
  dims: Dims,
  layout: v.picklist(['frames-bands', 'bands-frames']),
}

/** Sound from -1 to 1, one channel. */
export const AudioInput = v.strictObject({
  kind: v.literal('audio'),
  tensor: TensorName,
  /** Samples a second. Sound of another rate is resampled. */
  rate: v.pipe(PositiveCount, v.minValue(4000), v.maxValue(48_000)),
  /** Samples that the model hears at a time. Shorter sound is followed by silence. */
  samples: Samples,
  /**
   * With it the model hears window after window, this many samples apart, the first one ending at `step`; what comes
   * before the beginning is silence. Without it it hears one window: of longer sound the loudest.
   */
  step: v.optional(Samples),
  /** `peak`: divided by its largest absolute value, `maximum`: by its largest value; silence is left alone. */
  gain: v.picklist(['none', 'peak', 'maximum']),
  features: v.variant('kind', [
    v.strictObject({ kind: v.literal('waveform'), dims: Dims }),
    v.strictObject({ kind: v.literal('log-mel'), ...Bands }),
    /** The first `coefficients` of the cosine transform of the log bands: 2 Σ x cos(πc(2i+1)/2N) / √(2N). */
    v.strictObject({ kind: v.literal('mfcc'), ...Bands, coefficients: PositiveCount }),
  ]),
})
export type AudioInput = v.InferOutput<typeof AudioInput>

const Length = v.pipe(PositiveCount, v.maxValue(65_536))

/** Hashed pieces of the text's words. `tasks/ngrams.ts` has the definition step by step. */
const NgramFeatures = v.strictObject({
  kind: v.literal('ngrams'),
  tensor: TensorName,
  type: v.picklist(['int32', 'int64', 'float32']),
  /** Only this many code points of the text are looked at. */
  most: v.pipe(PositiveCount, v.maxValue(100_000)),
  /** Unicode normal form, before anything else. */
  form: v.picklist(['NFC', 'NFKC', 'NFD', 'NFKD']),
  lower: v.boolean(),
  /** Sizes of pieces in code points, each inside one word with a space before and after it. */
  characters: Grams,
  /** Sizes of pieces in words, joined by a space, a space before and after. */
  words: Grams,
  /** FNV-1a (32 bits) of a piece's UTF-8, modulo this. */
  buckets: v.pipe(PositiveCount, v.maxValue(1 << 24)),
  /**
   * `ids`: [1, length], the pieces word after word (of each its characters by size, then the words that begin there),
   * then `pad`. The id is the bucket plus `first`.
   * `buckets`: [1, buckets], how often each was hit (`count`) or 1 if it was (`present`); divided by the sum (`share`) or
   * by the root of the sum of squares (`unit`).
   */
  output: v.variant('kind', [
    v.strictObject({ kind: v.literal('ids'), length: Length, first: Count, pad: Count }),
    v.strictObject({
      kind: v.literal('buckets'),
      value: v.picklist(['count', 'present']),
      scale: v.picklist(['none', 'share', 'unit']),
    }),
  ]),
})
export type NgramFeatures = v.InferOutput<typeof NgramFeatures>

/** Ids of a Hugging Face tokenizer that travels in the pack. Tensors are [1, length]. */
const TokenFeatures = v.strictObject({
  kind: v.literal('tokens'),
  /** `tokenizer.json`, and where there is one `tokenizer_config.json`, among the pack's files. */
  tokenizer: InnerPath,
  config: v.optional(InnerPath),
  type: v.picklist(['int32', 'int64']),
  ids: TensorName,
  /** 1 for tokens, 0 for padding; zeros; 0, 1, 2, ... */
  mask: v.optional(TensorName),
  types: v.optional(TensorName),
  positions: v.optional(TensorName),
  /** Ids are below it. */
  vocabulary: PositiveCount,
  /** Most tokens of one call; more are cut off, or where text is generated follow in the next call. */
  length: Length,
  /** Fill up to `length` with this id; without it the tensors are as long as the text. */
  pad: v.optional(Count),
})
export type TokenFeatures = v.InferOutput<typeof TokenFeatures>

export const TextInput = v.strictObject({
  kind: v.literal('text'),
  features: v.variant('kind', [NgramFeatures, TokenFeatures]),
})
export type TextInput = v.InferOutput<typeof TextInput>

/** Bytes of any file, [1, begin + middle + end], as numbers 0-255. */
export const BytesInput = v.strictObject({
  kind: v.literal('bytes'),
  tensor: TensorName,
  type: v.picklist(['int32', 'int64', 'float32', 'uint8']),
  /** How many of the first, the middle and the last bytes. */
  begin: Count,
  middle: Count,
  end: Count,
  /** Take white space away before the first and after the last ones, looking at this many bytes. Default none. */
  strip: v.optional(Count),
  /** Stands for bytes that a short file does not have: after the first ones, around the middle, before the last. */
  pad: Count,
})
export type BytesInput = v.InferOutput<typeof BytesInput>

/** What a pack looks at, and how that becomes tensors: data, so that a new model needs no new code. */
export const Input = v.variant('kind', [ImageInput, AudioInput, TextInput, BytesInput])
export type Input = v.InferOutput<typeof Input>

const TensorType = v.picklist(['float32', 'int8', 'uint8', 'int32', 'int64', 'bool'])

/** Further inputs of the graph that never change, such as a sample rate. One number fills the tensor. */
export const Constants = v.record(
  TensorName,
  v.strictObject({ type: TensorType, dims: Dims, data: v.pipe(v.array(Finite), v.minLength(1), v.maxLength(4096)) }),
)

/**
 * Inputs of the graph that are its own outputs of the call before: memory of a recurrent net, keys and values of a
 * transformer. Zeros at first; a dimension of 0 is empty then and grows.
 */
export const State = v.record(TensorName, v.strictObject({ output: TensorName, type: TensorType, dims: Dims }))

/** Channels of an image's tensor. */
export const channelsOf = ({ order }: Pick<ImageInput, 'order'>): 1 | 3 => (order === 'grey' ? 1 : 3)

/** Frames that fit a window of sound. */
export const framesOf = (samples: number, { window, hop }: { window: number; hop: number }): number =>
  Math.max(0, Math.floor((samples - window) / hop) + 1)

/** Files of the pack that preparing an input needs. */
export function inputPaths(input: Input): string[] {
  if (input.kind !== 'text' || input.features.kind !== 'tokens') return []
  const { tokenizer, config } = input.features
  return config === undefined ? [tokenizer] : [tokenizer, config]
}

/** Whether a tensor may have other dims with the next picture. */
export const hasOpenSize = ({ fit, step }: ImageInput): boolean =>
  fit === 'line' || (fit === 'contain' && step !== undefined)

function stepProblem({ fit, step = 1, width, height }: ImageInput): string | undefined {
  if (fit === 'line' && width % step !== 0) return 'width is no multiple of step'
  return fit === 'contain' && (width % step !== 0 || height % step !== 0)
    ? 'width and height are no multiples of step'
    : undefined
}

/** What contradicts itself in an input, in words; undefined when nothing does. */
export function inputProblem(input: Input): string | undefined {
  switch (input.kind) {
    case 'image': {
      const channels = channelsOf(input)
      if (input.mean.length !== channels || input.std.length !== channels)
        return `${input.order} needs ${channels} numbers as mean and as std`
      return stepProblem(input)
    }
    case 'audio': {
      const { features, samples } = input
      if (features.kind === 'waveform')
        return elementCount(features.dims) === samples ? undefined : `dims do not hold ${samples} samples`
      const values = features.kind === 'mfcc' ? features.coefficients : features.bands
      if (Math.log2(features.fft) % 1 !== 0) return 'fft is no power of two'
      if (features.low >= features.high || features.high > input.rate / 2) return 'low and high are not within the rate'
      if (features.window > features.fft) return 'a window is longer than fft'
      if (values > features.bands) return 'there are more coefficients than bands'
      for (const list of [features.mean, features.std])
        if (list && list.length !== 1 && list.length !== values) return `mean and std need 1 or ${values} numbers`
      const frames = framesOf(samples, features)
      return elementCount(features.dims) === frames * values
        ? undefined
        : `dims do not hold ${frames} frames of ${values}`
    }
    case 'text': {
      const { features } = input
      if (features.kind !== 'ngrams') return undefined
      if (features.characters.length + features.words.length === 0) return 'there are neither characters nor words'
      return features.output.kind === 'buckets' && features.type !== 'float32' ? 'buckets are float32' : undefined
    }
    case 'bytes':
      return input.begin + input.middle + input.end > 0 ? undefined : 'no bytes are looked at'
  }
}

import { type AudioInput, framesOf } from '../protocol/input.ts'
import type { Sound } from '../protocol/task.ts'
import { float32, type Tensor, type Tensors } from '../protocol/tensor.ts'
import { melBands } from './mel.ts'
import { checkLength, resampleSound } from './sound.ts'
import { createSpectrum } from './spectrum.ts'

/** What is quieter counts as silence: nothing to measure loudness by. */
const SILENCE = 1e-6

type Samples = Sound['samples']
type BandFeatures = Exclude<AudioInput['features'], { kind: 'waveform' }>

/**
 * Turns sound into what the model hears, window by window.
 * @throws JikoError `input/too-short`, `input/too-long`
 */
export function createSoundPrepare(input: AudioInput): (sound: Sound) => Iterable<Tensors> {
  const tensorOf = createFeatures(input)
  return function* prepare(sound) {
    checkLength(sound)
    const samples = resampleSound(sound, input.rate)
    for (const window of windowsOf(samples, input)) yield { [input.tensor]: tensorOf(withGain(window, input.gain)) }
  }
}

/** Samples `from` to `from + length`; silence where there are none. */
function cut(samples: Samples, from: number, length: number): Samples {
  const window = new Float32Array(length)
  const part = samples.subarray(Math.max(0, from), Math.max(0, from + length))
  window.set(part, Math.max(0, -from))
  return window
}

function* windowsOf(samples: Samples, { samples: length, step, rate }: AudioInput): Iterable<Samples> {
  if (step === undefined) {
    yield cut(samples, loudest(samples, length, Math.round(rate / 100)), length)
    return
  }
  for (let end = step; end - step < samples.length; end += step) yield cut(samples, end - length, length)
}

/** Where the window with most energy begins, in steps of `hop`. */
function loudest(samples: Samples, length: number, hop: number): number {
  let energy = 0
  for (let i = 0; i < Math.min(length, samples.length); i++) energy += (samples[i] as number) ** 2
  let [best, most] = [0, energy]
  for (let from = hop; from + length <= samples.length; from += hop) {
    for (let i = from - hop; i < from; i++) energy += (samples[i + length] as number) ** 2 - (samples[i] as number) ** 2
    // Sums of differences drift by a little: a silent end is not louder than a silent beginning.
    if (energy > most * (1 + 1e-9)) [best, most] = [from, energy]
  }
  return best
}

function withGain(samples: Samples, gain: AudioInput['gain']): Samples {
  if (gain === 'none') return samples
  const height = samples.reduce((most, x) => Math.max(most, gain === 'peak' ? Math.abs(x) : x), SILENCE)
  return samples.map((x) => x / height)
}

/** What of a window the model is fed. */
function createFeatures({ features, rate, samples }: AudioInput): (window: Samples) => Tensor {
  if (features.kind === 'waveform') return (window) => float32(features.dims, window)
  const frames = framesOf(samples, features)
  const values = features.kind === 'mfcc' ? features.coefficients : features.bands
  const bandsOf = createBands(features, rate)
  const pick = (list: readonly number[] | undefined, i: number, otherwise: number): number =>
    list?.[list.length > 1 ? i : 0] ?? otherwise
  return (window) => {
    const data = new Float32Array(frames * values)
    for (let frame = 0; frame < frames; frame++) {
      const bands = bandsOf(window, frame * features.hop)
      for (let i = 0; i < values; i++) {
        const at = features.layout === 'frames-bands' ? frame * values + i : i * frames + frame
        data[at] = ((bands[i] as number) - pick(features.mean, i, 0)) / pick(features.std, i, 1)
      }
    }
    return float32(features.dims, data)
  }
}

const SHAPES = {
  hann: (n: number, window: number): number => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / window),
  hamming: (n: number, window: number): number => 0.54 - 0.46 * Math.cos((2 * Math.PI * n) / window),
  none: (): number => 1,
}

/** Log bands, or their cosine transform, of the frame that begins at a sample. */
function createBands(features: BandFeatures, rate: number): (window: Samples, from: number) => Float64Array {
  const { fft, window: length, shape, power, floor, log, bands } = features
  const weights = melBands({ ...features, rate })
  const spectrum = createSpectrum(fft)
  const curve = Float64Array.from({ length }, (_, n) => SHAPES[shape](n, length))
  const frame = new Float64Array(fft)
  const logs = new Float64Array(bands)
  const transform = features.kind === 'mfcc' ? createCosines(bands, features.coefficients) : undefined
  return (window, from) => {
    for (let n = 0; n < length; n++) frame[n] = (window[from + n] as number) * (curve[n] as number)
    const squares = spectrum.power(frame)
    for (const [band, { first, weights: of }] of weights.entries()) {
      let sum = 0
      for (let k = 0; k < of.length; k++) {
        const square = squares[first + k] as number
        sum += (of[k] as number) * (power === 2 ? square : Math.sqrt(square))
      }
      logs[band] = Math.log(log === 'add' ? sum + floor : Math.max(sum, floor))
    }
    return transform ? transform(logs) : logs
  }
}

/** The first coefficients of 2 Σ x cos(πc(2i+1)/2N) / √(2N). */
function createCosines(bands: number, coefficients: number): (logs: Float64Array) => Float64Array {
  const table = Float64Array.from({ length: coefficients * bands }, (_, at) => {
    const [c, i] = [Math.floor(at / bands), at % bands]
    return (2 * Math.cos((Math.PI * c * (2 * i + 1)) / (2 * bands))) / Math.sqrt(2 * bands)
  })
  return (logs) =>
    Float64Array.from({ length: coefficients }, (_, c) =>
      logs.reduce((sum, x, i) => sum + x * (table[c * bands + i] as number), 0),
    )
}

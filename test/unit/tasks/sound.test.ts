import { describe, expect, it } from 'vitest'
import type { AudioInput } from '../../../src/protocol/input.ts'
import type { Tensor } from '../../../src/protocol/tensor.ts'
import { melBands } from '../../../src/tasks/mel.ts'
import { resampleSound } from '../../../src/tasks/sound.ts'
import { createSoundPrepare } from '../../../src/tasks/sound-tensor.ts'
import { createSpectrum } from '../../../src/tasks/spectrum.ts'
import { mfcc } from '../../helpers/mfcc.ts'
import { seeded } from '../../helpers/synthetic-pack.ts'

const RATE = 16_000
const tone = (hertz: number, seconds: number, rate = RATE, height = 0.5): Float32Array<ArrayBuffer> =>
  Float32Array.from(
    { length: Math.round(seconds * rate) },
    (_, n) => height * Math.sin((2 * Math.PI * hertz * n) / rate),
  )

const bands = {
  fft: 512,
  window: 480,
  hop: 320,
  shape: 'hann',
  power: 1,
  bands: 40,
  low: 20,
  high: 4000,
  scale: 'htk',
  triangles: 'mel',
  floor: 1e-6,
  log: 'add',
  layout: 'frames-bands',
} as const
const audio = (changes: Partial<AudioInput> = {}): AudioInput => ({
  kind: 'audio',
  tensor: 'sound',
  rate: RATE,
  samples: RATE,
  gain: 'none',
  features: { kind: 'waveform', dims: [1, RATE] },
  ...changes,
})
const tensors = (input: AudioInput, samples: Float32Array<ArrayBuffer>, rate = RATE): Tensor[] =>
  [...createSoundPrepare(input)({ samples, rate })].map((set) => set.sound as Tensor)
const only = (input: AudioInput, samples: Float32Array<ArrayBuffer>, rate = RATE): Tensor =>
  tensors(input, samples, rate)[0] as Tensor

describe('the spectrum', () => {
  it.each([8, 64, 512])('of %i points is that of the definition', (size) => {
    const random = seeded(size)
    const frame = Float64Array.from({ length: size }, () => random() - 0.5)
    const got = createSpectrum(size).power(frame)
    for (const k of [0, 1, size / 4, size / 2]) {
      let [re, im] = [0, 0]
      for (let n = 0; n < size; n++) {
        re += (frame[n] as number) * Math.cos((2 * Math.PI * k * n) / size)
        im -= (frame[n] as number) * Math.sin((2 * Math.PI * k * n) / size)
      }
      expect(got[k]).toBeCloseTo(re * re + im * im, 9)
    }
  })
})

describe('bands', () => {
  it('of the Slaney scale are those of librosa', () => {
    // librosa.filters.mel(sr=16000, n_fft=512, n_mels=40): its documented defaults, worked out by hand for two bands:
    // below 1 kHz the points lie evenly in hertz.
    const made = melBands({
      rate: RATE,
      fft: 512,
      bands: 40,
      low: 0,
      high: 8000,
      scale: 'slaney',
      triangles: 'hertz',
      norm: 'slaney',
    })
    const step = ((15 + (27 * Math.log(8)) / Math.log(6.4)) / 41) * (200 / 3)
    const weight = (band: number, bin: number): number => {
      const [left, centre, right] = [band, band + 1, band + 2].map((i) => i * step) as [number, number, number]
      const at = (bin * RATE) / 512
      return (
        (Math.max(0, Math.min((at - left) / (centre - left), (right - at) / (right - centre))) * 2) / (right - left)
      )
    }
    for (const band of [0, 3]) {
      const { first, weights } = made[band] ?? { first: 0, weights: new Float64Array() }
      expect(weights.length).toBeGreaterThan(1)
      for (const [i, value] of weights.entries()) expect(value).toBeCloseTo(weight(band, first + i), 12)
    }
  })

  it('of MFCC are those that the keyword spotter of MLPerf Tiny was trained on', () => {
    const random = seeded(5)
    const clip = Float32Array.from(tone(700, 1), (x) => x + 0.1 * (random() - 0.5))
    const input = audio({
      gain: 'maximum',
      features: { ...bands, kind: 'mfcc', coefficients: 10, dims: [1, 1, 49, 10] },
    })
    const got = only(input, clip).data as Float32Array
    const wanted = mfcc(clip)
    expect(got).toHaveLength(wanted.length)
    expect(Math.max(...wanted.map((value, i) => Math.abs(value - (got[i] as number))))).toBeLessThan(1e-4)
  })

  it('have the layout, the mean and the deviation of the manifest', () => {
    const plain = audio({ features: { ...bands, kind: 'log-mel', dims: [1, 49, 40] } })
    const turned = audio({
      features: { ...bands, kind: 'log-mel', layout: 'bands-frames', dims: [1, 40, 49], mean: [3], std: [2] },
    })
    const [a, b] = [only(plain, tone(500, 1)), only(turned, tone(500, 1))]
    expect([a.dims, b.dims]).toEqual([
      [1, 49, 40],
      [1, 40, 49],
    ])
    expect(b.data[7 * 49 + 3]).toBeCloseTo((Number(a.data[3 * 40 + 7]) - 3) / 2, 5)
    // Silence is the logarithm of the floor.
    expect(only(plain, new Float32Array(RATE)).data[0]).toBeCloseTo(Math.log(1e-6), 4)
  })
})

describe('another rate', () => {
  it.each([
    [48_000, 16_000],
    [44_100, 16_000],
    [8000, 16_000],
    [22_050, 8000],
  ])('%i to %i Hz keeps a tone, its height and its place', (from, to) => {
    const got = resampleSound({ samples: tone(440, 0.5, from), rate: from }, to)
    const wanted = tone(440, 0.5, to)
    expect(Math.abs(got.length - wanted.length)).toBeLessThanOrEqual(1)
    // Away from the ends, where silence begins.
    const worst = Math.max(
      ...Array.from({ length: to / 4 }, (_, i) =>
        Math.abs((got[i + to / 8] as number) - (wanted[i + to / 8] as number)),
      ),
    )
    expect(worst).toBeLessThan(2e-3)
  })

  it('takes away what the lower one cannot hold', () => {
    const got = resampleSound({ samples: tone(11_000, 0.5, 48_000), rate: 48_000 }, 16_000)
    expect(Math.max(...got.subarray(500, -500).map(Math.abs))).toBeLessThan(5e-3)
  })
})

describe('windows', () => {
  const loud = (at: number, seconds: number): Float32Array<ArrayBuffer> => {
    const samples = new Float32Array(seconds * RATE)
    samples.set(tone(300, 0.3), Math.round(at * RATE))
    return samples
  }

  it('are the loudest second of a longer sound, and a shorter one followed by silence', () => {
    const long = only(audio(), loud(2.5, 4)).data as Float32Array
    expect(Math.max(...long)).toBeGreaterThan(0.49)
    expect(long.filter((x) => x !== 0).length).toBeGreaterThan(0.29 * RATE)
    const short = only(audio(), tone(300, 0.3)).data as Float32Array
    expect(short).toHaveLength(RATE)
    expect(short.subarray(0.31 * RATE).every((x) => x === 0)).toBe(true)
    expect(short[50]).not.toBe(0)
  })

  it('follow one another, each with what came before it', () => {
    const input = audio({ samples: 576, step: 512, features: { kind: 'waveform', dims: [1, 576] } })
    const samples = Float32Array.from({ length: 1200 }, (_, i) => i / 1200)
    const [first, second, third, ...more] = tensors(input, samples)
    expect(more).toEqual([])
    expect([...(first as Tensor).data].slice(0, 65).map(Number)).toEqual([...new Array(64).fill(0), 0])
    expect(second?.data[0]).toBe(samples[448])
    expect([third?.data[575], third?.data[64]]).toEqual([0, samples[1024]])
  })

  it('are made as loud as the manifest says, silence left alone', () => {
    const quiet = tone(300, 1, RATE, 0.01)
    expect(Math.max(...(only(audio({ gain: 'peak' }), quiet).data as Float32Array))).toBeCloseTo(1, 5)
    expect([...only(audio({ gain: 'peak' }), new Float32Array(RATE)).data].every((x) => x === 0)).toBe(true)
  })

  it.each([
    [0, 'input/too-short'],
    [100, 'input/too-short'],
    [RATE * 601, 'input/too-long'],
  ])('of %i samples there are none, and why is said', (length, code) => {
    expect(() => tensors(audio(), new Float32Array(length))).toThrow(expect.objectContaining({ code }))
  })
})

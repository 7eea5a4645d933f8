/** Hertz to mel and back; `slaney` is linear up to 1 kHz and logarithmic above. */
const SCALES = {
  htk: {
    mel: (hertz: number): number => 1127 * Math.log(1 + hertz / 700),
    hertz: (mel: number): number => 700 * (Math.exp(mel / 1127) - 1),
  },
  slaney: {
    mel: (hertz: number): number =>
      hertz < 1000 ? (3 * hertz) / 200 : 15 + (27 * Math.log(hertz / 1000)) / Math.log(6.4),
    hertz: (mel: number): number => (mel < 15 ? (200 * mel) / 3 : 1000 * Math.exp(((mel - 15) * Math.log(6.4)) / 27)),
  },
}

export interface MelOptions {
  rate: number
  fft: number
  bands: number
  low: number
  high: number
  scale: keyof typeof SCALES
  triangles: 'mel' | 'hertz'
  norm?: 'slaney' | undefined
}

/** One band: weights of the bins from `first` on. */
export interface Band {
  first: number
  weights: Float64Array
}

/** Triangles between neighbouring points that lie evenly on the mel scale, from `low` to `high` hertz. */
export function melBands({ rate, fft, bands, low, high, scale, triangles, norm }: MelOptions): Band[] {
  const { mel, hertz } = SCALES[scale]
  const step = (mel(high) - mel(low)) / (bands + 1)
  const points = Array.from({ length: bands + 2 }, (_, i) => mel(low) + step * i)
  const edges = triangles === 'mel' ? points : points.map(hertz)
  const bins = Array.from({ length: fft / 2 + 1 }, (_, k) => (triangles === 'mel' ? mel : Number)((k * rate) / fft))
  return Array.from({ length: bands }, (_, band) => {
    const [left = 0, centre = 0, right = 0] = edges.slice(band, band + 3)
    const height = norm === 'slaney' ? 2 / (hertz(points[band + 2] as number) - hertz(points[band] as number)) : 1
    const weights = bins.map((at) =>
      Math.max(0, Math.min((at - left) / (centre - left), (right - at) / (right - centre))),
    )
    const first = weights.findIndex((weight) => weight > 0)
    const last = weights.findLastIndex((weight) => weight > 0)
    return {
      first: Math.max(0, first),
      weights: Float64Array.from(weights.slice(Math.max(0, first), last + 1), (w) => w * height),
    }
  })
}

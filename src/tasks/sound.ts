import { JikoError } from '../protocol/error.ts'
import type { Sound } from '../protocol/task.ts'

/** Longer sound than this is refused, and shorter than a twentieth of a second. Seconds. */
const LONGEST = 600
const SHORTEST = 0.05

/** @throws JikoError `input/too-short`, `input/too-long` */
export function checkLength({ samples, rate }: Sound): void {
  const seconds = samples.length / rate
  if (seconds > LONGEST) {
    throw new JikoError(
      'input/too-long',
      `the sound is ${Math.round(seconds)} s long; at most ${LONGEST} s can be heard`,
      { detail: { seconds: Math.round(seconds), most: LONGEST } },
    )
  }
  if (!(seconds >= SHORTEST)) {
    throw new JikoError(
      'input/too-short',
      `the sound is ${seconds.toFixed(3)} s long; at least ${SHORTEST} s are needed`,
      { detail: { seconds: seconds || 0, least: SHORTEST } },
    )
  }
}

/** Zero crossings of the filter to each side: more is steeper, and slower. */
const CROSSINGS = 16
/** The part of the lower rate's band that passes. */
const PASS = 0.94

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/**
 * Sound at another rate, by a sinc filter under a Hann window: what the new rate cannot hold is taken away first. As
 * long as before; what lies outside counts as silence.
 */
export function resampleSound({ samples, rate }: Sound, wanted: number): Sound['samples'] {
  if (rate === wanted) return samples
  const divisor = gcd(rate, wanted)
  /** Output sample `i` lies at `i * across / phases` of the input. */
  const across = rate / divisor
  const phases = wanted / divisor
  const cutoff = PASS * Math.min(1, wanted / rate)
  const half = Math.ceil(CROSSINGS / cutoff)
  const filters = new Map<number, Float64Array>()
  const filterOf = (phase: number): Float64Array => {
    const known = filters.get(phase)
    if (known) return known
    const filter = Float64Array.from({ length: 2 * half }, (_, k) => {
      const x = k - half + 1 - phase / phases
      if (Math.abs(x) >= half) return 0
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x)
      return cutoff * sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / half))
    })
    filters.set(phase, filter)
    return filter
  }
  const out = new Float32Array(Math.floor((samples.length * phases) / across))
  for (let i = 0; i < out.length; i++) {
    const position = i * across
    const first = Math.floor(position / phases) - half + 1
    const filter = filterOf(position % phases)
    let sum = 0
    const from = Math.max(0, -first)
    const to = Math.min(filter.length, samples.length - first)
    for (let k = from; k < to; k++) sum += (filter[k] as number) * (samples[first + k] as number)
    out[i] = sum
  }
  return out
}

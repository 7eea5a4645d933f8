import type { Bytes } from '../../src/lib/bytes.ts'
import { encodeWav } from '../../src/lib/wav.ts'

/** A tone as a WAV file: what stands in for a recorded voice, which nobody has made up. */
export function tone(seconds: number, hertz = 440, rate = 8000): Bytes {
  const samples = Float32Array.from({ length: Math.round(seconds * rate) }, (_, i) => {
    return 0.4 * Math.sin((2 * Math.PI * hertz * i) / rate)
  })
  return encodeWav(samples, rate)
}

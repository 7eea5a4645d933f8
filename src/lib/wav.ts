import type { Bytes } from './bytes.ts'

const HEADER = 44

/**
 * Sound as a WAV file: one channel, 16 bits a sample.
 * @param samples -1 to 1; what is louder is cut off.
 * @param rate samples a second.
 */
export function encodeWav(samples: Float32Array, rate: number): Bytes {
  const bytes = new Uint8Array(HEADER + 2 * samples.length)
  const view = new DataView(bytes.buffer)
  const text = (at: number, word: string): void => {
    for (let i = 0; i < word.length; i++) bytes[at + i] = word.charCodeAt(i)
  }
  text(0, 'RIFF')
  view.setUint32(4, bytes.length - 8, true)
  text(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, 1, true)
  view.setUint16(22, 1, true)
  view.setUint32(24, rate, true)
  view.setUint32(28, 2 * rate, true)
  view.setUint16(32, 2, true)
  view.setUint16(34, 16, true)
  text(36, 'data')
  view.setUint32(40, 2 * samples.length, true)
  for (let i = 0; i < samples.length; i++) {
    const sample = Math.max(-1, Math.min(1, samples[i] as number))
    view.setInt16(HEADER + 2 * i, Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768))), true)
  }
  return bytes
}

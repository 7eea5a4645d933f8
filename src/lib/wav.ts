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

const PCM = 1
const FLOAT = 3
const EXTENSIBLE = 0xfffe

interface Format {
  code: number
  channels: number
  rate: number
  bits: number
}

/** How many bytes at the front say whether it is a WAV file. */
export const WAV_MARK = 12

export const isWav = (bytes: Uint8Array): boolean =>
  String.fromCharCode(...bytes.subarray(0, 4)) === 'RIFF' && String.fromCharCode(...bytes.subarray(8, 12)) === 'WAVE'

/**
 * Samples of a WAV file, -1 to 1, its channels mixed to one; 8 to 32 bits, whole or floating. A file that ends early
 * gives what is there.
 * @throws Error saying what is wrong.
 */
export function decodeWav(bytes: Bytes): { samples: Float32Array<ArrayBuffer>; rate: number } {
  if (!isWav(bytes)) throw new Error('it does not begin as a WAV file does')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let format: Format | undefined
  for (let at = WAV_MARK; at + 8 <= bytes.length; ) {
    const name = String.fromCharCode(...bytes.subarray(at, at + 4))
    const length = view.getUint32(at + 4, true)
    const body = at + 8
    if (name === 'fmt ' && body + 16 <= bytes.length) format = readFormat(view, body, length)
    if (name === 'data') {
      if (!format) throw new Error('it does not say its format before its sound')
      // A recorder that was cut off has left the length open or too large.
      return mix(view, body, Math.min(length, bytes.length - body), format)
    }
    at = body + length + (length & 1)
  }
  throw new Error('there is no sound in it')
}

function readFormat(view: DataView, at: number, length: number): Format {
  const code = view.getUint16(at, true)
  return {
    // The real one stands first in an identifier further on.
    code: code === EXTENSIBLE && length >= 26 && at + 26 <= view.byteLength ? view.getUint16(at + 24, true) : code,
    channels: view.getUint16(at + 2, true),
    rate: view.getUint32(at + 4, true),
    bits: view.getUint16(at + 14, true),
  }
}

function mix(
  view: DataView,
  at: number,
  length: number,
  { code, channels, rate, bits }: Format,
): { samples: Float32Array<ArrayBuffer>; rate: number } {
  const size = bits / 8
  const read = reader(view, code, bits)
  if (!read) throw new Error(`its format ${code} with ${bits} bits is none of PCM and floating point`)
  if (channels < 1 || rate < 1) throw new Error(`it says ${channels} channels at ${rate} Hz`)
  const samples = new Float32Array(Math.floor(length / (size * channels)))
  for (let i = 0; i < samples.length; i++) {
    let sum = 0
    for (let channel = 0; channel < channels; channel++) sum += read(at + (i * channels + channel) * size)
    samples[i] = sum / channels
  }
  return { samples, rate }
}

function reader(view: DataView, code: number, bits: number): ((at: number) => number) | undefined {
  if (code === FLOAT && bits === 32) return (at) => finite(view.getFloat32(at, true))
  if (code === FLOAT && bits === 64) return (at) => finite(view.getFloat64(at, true))
  if (code !== PCM) return undefined
  switch (bits) {
    case 8:
      return (at) => (view.getUint8(at) - 128) / 128
    case 16:
      return (at) => view.getInt16(at, true) / 32_768
    case 24:
      return (at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 65_536) / 8_388_608
    case 32:
      return (at) => view.getInt32(at, true) / 2_147_483_648
    default:
      return undefined
  }
}

const finite = (value: number): number => (Number.isFinite(value) ? value : 0)

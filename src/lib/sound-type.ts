import { isWav } from './wav.ts'

/** How many bytes at the front say what kind of sound file it is. */
export const SOUND_MARK = 4096

/** Brands of MP4 files that hold sound or may do so; pictures have others. */
const MP4 = /^(M4A |M4B |mp4[12]|iso[m2-6]|dash|3gp)/

const text = (bytes: Uint8Array, from: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(from, from + length))

/**
 * The media type of a sound file, by what it begins with: Opus in Ogg or WebM, MP3, AAC bare or in MP4, WAV. Undefined
 * when it is none of these, whatever it is called.
 */
export function soundType(bytes: Uint8Array): string | undefined {
  const [first = 0, second = 0] = bytes
  if (isWav(bytes)) return 'audio/wav'
  if (text(bytes, 0, 4) === 'OggS') return text(bytes, 28, 8) === 'OpusHead' ? 'audio/ogg' : undefined
  if (text(bytes, 0, 4) === '\x1a\x45\xdf\xa3') {
    const head = text(bytes, 0, SOUND_MARK)
    return head.includes('webm') && head.includes('A_OPUS') ? 'audio/webm' : undefined
  }
  if (text(bytes, 4, 4) === 'ftyp') return MP4.test(text(bytes, 8, 4)) ? 'audio/mp4' : undefined
  if (text(bytes, 0, 3) === 'ID3') return 'audio/mpeg'
  // Bare frames begin with eleven bits or twelve; two bits later say which layer, and AAC has 0 there.
  if (first === 0xff && (second & 0xf6) === 0xf0) return 'audio/aac'
  return first === 0xff && (second & 0xe6) === 0xe2 ? 'audio/mpeg' : undefined
}

import { describe, expect, it } from 'vitest'
import { encodeWav } from '../../../src/lib/wav.ts'

describe('a WAV file', () => {
  it('says what it holds: one channel of 16 bits at the given rate', () => {
    const bytes = encodeWav(new Float32Array(10), 48_000)
    const view = new DataView(bytes.buffer)
    const text = new TextDecoder('latin1').decode(bytes)
    expect([text.slice(0, 4), text.slice(8, 16), text.slice(36, 40)]).toEqual(['RIFF', 'WAVEfmt ', 'data'])
    expect(view.getUint32(4, true)).toBe(bytes.length - 8)
    expect([view.getUint16(20, true), view.getUint16(22, true), view.getUint16(34, true)]).toEqual([1, 1, 16])
    expect([view.getUint32(24, true), view.getUint32(28, true)]).toEqual([48_000, 96_000])
    expect(view.getUint32(40, true)).toBe(20)
  })

  it('holds samples as they are, and cuts off what is too loud instead of turning it round', () => {
    const view = new DataView(encodeWav(Float32Array.of(0, 0.5, -0.5, 1, -1, 7, -7), 16_000).buffer)
    expect(Array.from({ length: 7 }, (_, i) => view.getInt16(44 + 2 * i, true))).toEqual([
      0, 16_384, -16_384, 32_767, -32_768, 32_767, -32_768,
    ])
  })
})

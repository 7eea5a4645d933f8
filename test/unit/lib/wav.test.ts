import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeWav, encodeWav } from '../../../src/lib/wav.ts'

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

describe('reading WAV', () => {
  const header = (
    changes: { code?: number; channels?: number; bits?: number; data?: number },
    body: Uint8Array,
  ): Uint8Array<ArrayBuffer> => {
    const { code = 1, channels = 1, bits = 16, data = body.length } = changes
    const bytes = new Uint8Array(44 + body.length)
    bytes.set(encodeWav(new Float32Array(0), 8000))
    const view = new DataView(bytes.buffer)
    view.setUint16(20, code, true)
    view.setUint16(22, channels, true)
    view.setUint16(34, bits, true)
    view.setUint32(40, data, true)
    bytes.set(body, 44)
    return bytes
  }

  it('gives back what was written, to the step of 16 bits', () => {
    const samples = Float32Array.from({ length: 500 }, (_, i) => Math.sin(i / 7) * 0.9)
    const read = decodeWav(encodeWav(samples, 22_050))
    expect(read.rate).toBe(22_050)
    expect(Math.max(...samples.map((x, i) => Math.abs(x - (read.samples[i] as number))))).toBeLessThan(
      1 / 65_536 + 1e-7,
    )
  })

  it.each([
    ['8 bits', header({ bits: 8 }, Uint8Array.of(128, 192, 0)), [0, 0.5, -1]],
    ['24 bits', header({ bits: 24 }, Uint8Array.of(0, 0, 0x40, 0, 0, 0xc0)), [0.5, -0.5]],
    ['32 bits', header({ bits: 32 }, new Uint8Array(Int32Array.of(2 ** 30, -(2 ** 31)).buffer)), [0.5, -1]],
    [
      'floating point',
      header({ code: 3, bits: 32 }, new Uint8Array(Float32Array.of(0.25, Number.NaN).buffer)),
      [0.25, 0],
    ],
    [
      'two channels',
      header({ channels: 2 }, new Uint8Array(Int16Array.of(16_384, 0, -16_384, -16_384).buffer)),
      [0.25, -0.5],
    ],
    ['a length that was left open', header({ data: 0xffff_ffff }, new Uint8Array(Int16Array.of(16_384).buffer)), [0.5]],
    ['no sample at all', header({}, new Uint8Array()), []],
  ])('of %s', (_, bytes, wanted) => {
    expect([...decodeWav(bytes).samples]).toEqual(wanted)
  })

  it.each([
    ['a picture', Uint8Array.of(0xff, 0xd8, 0xff), 'does not begin as a WAV'],
    ['nothing', new Uint8Array(), 'does not begin as a WAV'],
    ['a file cut in its header', encodeWav(new Float32Array(9), 8000).slice(0, 30), 'no sound'],
    ['packed sound', header({ code: 0x55 }, new Uint8Array(8)), 'format 85'],
    ['no channels', header({ channels: 0 }, new Uint8Array(8)), '0 channels'],
  ])('says what is wrong with %s', (_, bytes, said) => {
    expect(() => decodeWav(bytes)).toThrow(said)
  })

  it('never hangs nor reads beyond the end, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (rest) => {
        const bytes = Uint8Array.from([...encodeWav(new Float32Array(3), 8000).subarray(0, 12), ...rest])
        try {
          expect(decodeWav(bytes).samples.every(Number.isFinite)).toBe(true)
        } catch (error) {
          expect(error).not.toBeInstanceOf(RangeError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

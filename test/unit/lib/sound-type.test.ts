import { describe, expect, it } from 'vitest'
import { concat, utf8 } from '../../../src/lib/bytes.ts'
import { soundType } from '../../../src/lib/sound-type.ts'
import { tone } from '../../helpers/tone.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)
const zeros = (count: number) => new Uint8Array(count)
const EBML = bytes(0x1a, 0x45, 0xdf, 0xa3)
const ogg = (codec: string) => concat(utf8('OggS'), zeros(24), utf8(codec), zeros(40))

describe('what kind of sound a file is', () => {
  it('is told by what it begins with', () => {
    expect(soundType(tone(0.1))).toBe('audio/wav')
    expect(soundType(ogg('OpusHead'))).toBe('audio/ogg')
    expect(soundType(concat(EBML, utf8('....webm....A_OPUS')))).toBe('audio/webm')
    expect(soundType(concat(zeros(4), utf8('ftypM4A '), zeros(20)))).toBe('audio/mp4')
    expect(soundType(concat(utf8('ID3'), zeros(20)))).toBe('audio/mpeg')
    // MPEG-1 and MPEG-2 layer III, and AAC frames of MPEG-4 and MPEG-2.
    expect(soundType(bytes(0xff, 0xfb, 0x90, 0))).toBe('audio/mpeg')
    expect(soundType(bytes(0xff, 0xf3, 0x40, 0))).toBe('audio/mpeg')
    expect(soundType(bytes(0xff, 0xf1, 0x50, 0))).toBe('audio/aac')
    expect(soundType(bytes(0xff, 0xf9, 0x50, 0))).toBe('audio/aac')
  })

  it('is none where the container holds something else, or nothing that is known', () => {
    for (const other of [
      zeros(0),
      zeros(4096),
      bytes(0xff, 0xd8, 0xff, 0xe0),
      bytes(0xff, 0xfe, 0x41, 0),
      utf8('<!doctype html>'),
      utf8('fLaC'),
      ogg('\x01vorbis'),
      concat(EBML, utf8('....matroska....V_VP9')),
      concat(zeros(4), utf8('ftypheic'), zeros(20)),
      tone(0.1).subarray(0, 8),
    ])
      expect(soundType(other)).toBeUndefined()
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { carriesMetadata } from '../../../src/tasks/photo-metadata.ts'

const photo = readFileSync('models/coffee-leaf/samples/rust-121.jpg')

describe('carriesMetadata', () => {
  it('lets a plain photo pass', () => {
    expect(carriesMetadata(photo)).toBe(false)
    expect(carriesMetadata(new Uint8Array())).toBe(false)
  })

  it.each(['Exif\0\0', 'eXIf', 'EXIF', 'XMP ', 'http://ns.adobe.com/xap/1.0/\0'])(
    'notices %j, wherever it is',
    (mark) => {
      for (const at of [2, 2000, photo.length]) {
        const marked = Buffer.concat([photo.subarray(0, at), Buffer.from(mark, 'latin1'), photo.subarray(at)])
        expect(carriesMetadata(marked)).toBe(true)
      }
      expect(carriesMetadata(Buffer.from(mark.slice(0, 3), 'latin1'))).toBe(false)
    },
  )
})

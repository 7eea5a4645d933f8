import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deflate } from '../../../src/lib/deflate.ts'
import { applyDifference, encodeDifference } from '../../../src/lib/difference.ts'
import { sha256Hex } from '../../../src/lib/sha256.ts'
import { noise, seeded } from '../../helpers/synthetic-pack.ts'

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => new Uint8Array(array))
/** Long runs of equal bytes, of every length around the 255 that the code counts to. */
const runs = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 255 })), { maxLength: 8 })
  .map((parts) => Uint8Array.from(parts.flatMap(([length, last]) => [...new Uint8Array(length), last])))

describe('differences', () => {
  it('give the new bytes back, whatever the lengths', () => {
    fc.assert(
      fc.property(bytes(400), fc.oneof(bytes(400), runs), (old, next) => {
        expect(applyDifference(old, encodeDifference(old, next), next.length)).toEqual(next)
      }),
    )
  })

  it('are small where little moved: 3 % of the bytes by one step cost less than 5 % of all', () => {
    const random = seeded(7)
    const old = noise(65_536, 1)
    const next = old.map((byte) => (random() < 0.03 ? byte + (random() < 0.5 ? 1 : -1) : byte))
    expect(deflate(encodeDifference(old, next)).length).toBeLessThan(0.05 * old.length)
  })

  it('throw or answer when they are damaged, and never write outside', () => {
    const old = noise(300, 2)
    fc.assert(
      fc.property(bytes(600), fc.integer({ min: 0, max: 300 }), (damaged, size) => {
        try {
          expect(applyDifference(old, damaged, size)).toHaveLength(size)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }),
    )
    expect(() => applyDifference(old, Uint8Array.of(9, 0, 0, 0, 1), 10)).toThrow(RangeError)
    expect(() => applyDifference(old, Uint8Array.of(1, 0, 0, 0, 10, 1), 10)).toThrow(RangeError)
  })
})

describe('deflate', () => {
  it('gives the bytes that packs in the field were made with: a change here would make every patched chunk wrong', async () => {
    const weights = noise(65_536, 3).map((byte) => byte & 63)
    expect(await sha256Hex(deflate(weights))).toBe('2386cf8ea5e6b1147cb4087a61f4531ac7ca5869e88567a34c24264fe1a2ea5f')
  })
})

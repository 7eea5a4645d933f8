import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAbort, raceAbort, sleep, watchdog } from '../../../src/lib/abort.ts'
import { backoff } from '../../../src/lib/backoff.ts'
import {
  concat,
  equal,
  fromBase64Url,
  fromHex,
  fromUtf8,
  toBase32,
  toBase64Url,
  toHex,
  utf8,
} from '../../../src/lib/bytes.ts'
import { compress, decompress } from '../../../src/lib/compress.ts'
import { createMemo } from '../../../src/lib/memo.ts'
import { createSerial } from '../../../src/lib/serial.ts'
import { sha256Hex } from '../../../src/lib/sha256.ts'

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => new Uint8Array(array))

describe('bytes', () => {
  it('round-trips hex, base64url and UTF-8', () => {
    fc.assert(
      fc.property(bytes, fc.string({ unit: 'grapheme' }), (data, text) => {
        expect(fromHex(toHex(data))).toEqual(data)
        expect(fromBase64Url(toBase64Url(data))).toEqual(data)
        expect(fromUtf8(utf8(text))).toBe(text)
        expect(equal(concat(data, data).subarray(data.length), data)).toBe(true)
      }),
    )
  })

  it('knows RFC 4648: base64url and base32', () => {
    expect(toBase64Url(Uint8Array.of(0xfb, 0xff))).toBe('-_8')
    expect(['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((text) => toBase32(utf8(text)))).toEqual([
      '',
      'my',
      'mzxq',
      'mzxw6',
      'mzxw6yq',
      'mzxw6ytb',
      'mzxw6ytboi',
    ])
  })

  it('refuses what is not hex, base64url or UTF-8', () => {
    expect(() => fromHex('abc')).toThrow('not hex')
    expect(() => fromHex('zz')).toThrow('not hex')
    expect(() => fromBase64Url('a+b')).toThrow('not base64url')
    expect(() => fromBase64Url('abcde')).toThrow('not base64url')
    expect(() => fromUtf8(Uint8Array.of(0xff))).toThrow(TypeError)
  })

  it('hashes as FIPS 180-4 says', async () => {
    expect(await sha256Hex(utf8('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })
})

describe('compress', () => {
  it('round-trips, and stops a bomb at the limit', async () => {
    const data = new Uint8Array(1_000_000)
    for (const format of ['gzip', 'deflate-raw'] as const) {
      const small = await compress(data, format)
      expect(small.length).toBeLessThan(5000)
      expect(equal(await decompress(small, format, 1_000_000), data)).toBe(true)
      await expect(decompress(small, format, 999_999)).rejects.toThrow(RangeError)
    }
  })

  it('refuses what is not compressed, or cut short', async () => {
    await expect(decompress(utf8('<html>'), 'gzip', 1000)).rejects.toThrow(TypeError)
    const whole = await compress(utf8('a sentence to be cut'), 'gzip')
    await expect(decompress(whole.slice(0, -9), 'gzip', 1000)).rejects.toThrow(TypeError)
  })
})

describe('serial', () => {
  it('runs in order, one at a time, and survives a rejection', async () => {
    const serial = createSerial()
    const seen: string[] = []
    const job =
      (name: string, fails = false) =>
      async () => {
        seen.push(`${name} begins`)
        await sleep(1)
        seen.push(`${name} ends`)
        if (fails) throw new Error(name)
        return name
      }
    const results = await Promise.allSettled([serial(job('a')), serial(job('b', true)), serial(job('c'))])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })
})

describe('memo', () => {
  it('makes once, also for callers at the same time, and forgets a rejection', async () => {
    const memo = createMemo<string, number>()
    let made = 0
    const make = async () => {
      made += 1
      if (made === 1) throw new Error('first')
      return made
    }
    await expect(Promise.all([memo.get('a', make), memo.get('a', make)])).rejects.toThrow('first')
    expect(made).toBe(1)
    expect(await Promise.all([memo.get('a', make), memo.get('a', make)])).toEqual([2, 2])
    expect(await memo.peek('a')).toBe(2)
    memo.forget('a')
    expect(memo.peek('a')).toBeUndefined()
    expect(await memo.get('a', make)).toBe(3)
  })
})

describe('abort', () => {
  it('ends a sleep and a race at once, as AbortError', async () => {
    const controller = new AbortController()
    const asleep = sleep(1e6, controller.signal)
    const racing = raceAbort(new Promise(() => undefined), controller.signal)
    controller.abort()
    await expect(asleep).rejects.toSatisfy(isAbort)
    await expect(racing).rejects.toSatisfy(isAbort)
    await expect(sleep(1, controller.signal)).rejects.toSatisfy(isAbort)
    expect(isAbort(new Error('other'))).toBe(false)
    expect(isAbort(undefined)).toBe(false)
  })

  it('calls the watchdog only when nothing moved', async () => {
    let stalls = 0
    const dog = watchdog(40, () => stalls++)
    for (let i = 0; i < 8; i++) {
      await sleep(10)
      dog.touch()
    }
    expect(stalls).toBe(0)
    await sleep(80)
    expect(stalls).toBe(1)
    dog.stop()
  })
})

describe('backoff', () => {
  it('grows to its cap and stays between half and all of the ceiling', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, chance) => {
        const ceiling = Math.min(60_000, 500 * 2 ** Math.min(attempt, 30))
        const wait = backoff(attempt, { base: 500, cap: 60_000, random: () => chance })
        expect(wait).toBeGreaterThanOrEqual(Math.floor(ceiling / 2))
        expect(wait).toBeLessThanOrEqual(ceiling)
      }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/lib/bytes.ts'
import type { SentLine } from '../../../src/protocol/hub.ts'
import { fitLines } from '../../../src/sync/fit.ts'
import { createPace } from '../../../src/sync/pace.ts'

describe('the pace', () => {
  it('doubles on a quick link, halves on a slow one, and stays in between', () => {
    const pace = createPace()
    expect(pace.bytes).toBe(8192)
    pace.succeeded(8000, 1000, 80)
    expect(pace.bytes).toBe(16_384)
    pace.succeeded(16_000, 7000, 160)
    expect(pace.bytes).toBe(16_384)
    pace.succeeded(16_000, 11_000, 160)
    expect(pace.bytes).toBe(8192)
    expect(pace.perLine).toBe(100)
    pace.succeeded(700, 100, 1)
    expect(pace.perLine).toBe(100)
  })

  it('learns nothing from a batch that was small for want of records', () => {
    const pace = createPace()
    pace.succeeded(600, 100, 1)
    expect(pace.bytes).toBe(8192)
  })

  it('keeps to its bounds and to what the hub wants', () => {
    const pace = createPace()
    for (let i = 0; i < 20; i++) pace.failed()
    expect(pace.bytes).toBe(512)
    for (let i = 0; i < 20; i++) pace.succeeded(pace.bytes, 10, 1)
    expect(pace.bytes).toBe(512 * 1024)
    pace.limit(64 * 1024)
    expect(pace.bytes).toBe(64 * 1024)
    pace.failed()
    expect(pace.bytes).toBe(32 * 1024)
    pace.limit(1)
    expect(pace.bytes).toBe(512)
  })
})

describe('fitting lines', () => {
  const pack = async (lines: readonly SentLine[]) => utf8(lines.join(''))
  const read = (all: readonly string[]) => async (count: number) => all.slice(0, count)

  it('takes as many as the pace allows', async () => {
    const all = Array.from({ length: 100 }, () => 'x'.repeat(100))
    const { lines, body } = await fitLines(read(all), pack, { bytes: 1000, perLine: 10 })
    expect(lines).toBe(10)
    expect(body.length).toBe(1000)
    expect(await fitLines(read(all.slice(0, 3)), pack, { bytes: 1000, perLine: 100 })).toMatchObject({ lines: 3 })
  })

  it('takes one record that is longer than the pace, alone', async () => {
    const all = ['x'.repeat(60_000), 'y'.repeat(60_000), 'z']
    expect(await fitLines(read(all), pack, { bytes: 512, perLine: 100 })).toMatchObject({ lines: 1 })
  })

  it('stays below what the hub inflates, however well the lines compress', async () => {
    const all = Array.from({ length: 500 }, () => 'x'.repeat(60_000))
    const tiny = async (): Promise<ReturnType<typeof utf8>> => utf8('tiny')
    const { lines } = await fitLines(read(all), tiny, { bytes: 8192, perLine: 10 })
    expect(lines * 60_000).toBeLessThanOrEqual(2 << 20)
    expect(lines).toBeGreaterThan(1)
  })
})

import { expect, it } from 'vitest'
import { sheetsOf } from '../../../scripts/sheets.ts'

const HIGHEST_OF_CHROMIUM = 16_384
const high = (...heights: number[]) => heights.map((height, name) => ({ name, height }))

it('no sheet is so high that Chromium cannot draw it; each picture is on one, in order', () => {
  const many = high(...Array.from({ length: 70 }, (_, i) => 700 + ((i * 977) % 2500)))
  const sheets = sheetsOf(many, 3)
  expect(sheets.length).toBeGreaterThan(3)
  expect(sheets.flat()).toEqual(many)
  for (const sheet of sheets) {
    let height = 0
    for (let at = 0; at < sheet.length; at += 3) height += Math.max(...sheet.slice(at, at + 3).map((one) => one.height))
    expect(height).toBeLessThan(HIGHEST_OF_CHROMIUM / 2)
  }
})

it('a picture that is higher than a sheet has one to itself, and no pictures have none', () => {
  expect(sheetsOf(high(500, 20_000, 500), 1).map((sheet) => sheet.length)).toEqual([1, 1, 1])
  expect(sheetsOf([], 3)).toEqual([])
})

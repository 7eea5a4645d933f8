import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parsePackSource } from '../../../src/protocol/pack-source.ts'

const source = JSON.parse(readFileSync('models/tiny-writer/pack.json', 'utf8')) as Record<string, unknown>

describe('precision of a pack, in its pack.json', () => {
  it('is what the pack is built with where nobody says otherwise', () => {
    expect(parsePackSource(JSON.stringify(source)).precision).toBe('dynamic')
  })

  it('is refused by name when there is no such precision', () => {
    expect(() => parsePackSource(JSON.stringify({ ...source, precision: 'int9' }))).toThrow(/precision/)
  })
})

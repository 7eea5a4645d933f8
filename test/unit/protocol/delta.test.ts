import { describe, expect, it } from 'vitest'
import { parseDelta, updatesOf, withUpdates } from '../../../src/protocol/delta.ts'
import { parseSignedManifest } from '../../../src/protocol/manifest.ts'
import { syntheticPack } from '../../helpers/synthetic-pack.ts'

const hash = (digit: string): string => digit.repeat(64)
const update = { from: hash('a'), path: `${hash('b')}.json`, length: 300, sha256: hash('b') }
const good = {
  format: 'jiko-delta/1',
  from: hash('a'),
  to: hash('c'),
  blob: { path: `${hash('d')}.bin`, length: 10, chunks: [{ length: 10, size: 20, sha256: hash('e') }] },
  pieces: [{ chunk: 3, path: 'int8/model.plan', offset: -4 }],
}

describe('updates of a manifest file', () => {
  it('stand on a third line that readers of the first two do not see', async () => {
    const { text, digest } = await syntheticPack()
    const longer = withUpdates(text, [update])
    expect(updatesOf(longer)).toEqual([update])
    expect(parseSignedManifest(longer)).toEqual(parseSignedManifest(text))
    expect(withUpdates(text, [])).toBe(text)
    expect(digest).toHaveLength(64)
  })

  it.each(['', 'x', '{}', 'null', JSON.stringify({ updates: [{ ...update, path: '../x' }] })])(
    'are none when the line is %j: it is only a hint',
    (line) => expect(updatesOf(`1\n2\n${line}\n`)).toEqual([]),
  )
})

describe('a list of differences', () => {
  it('is read', () => expect(parseDelta(JSON.stringify(good))).toEqual(good))

  it.each<[string, unknown]>([
    ['a page of a captive portal', '<!doctype html>'],
    ['another format', { ...good, format: 'jiko-delta/2' }],
    ['a piece too many', { ...good, pieces: [...good.pieces, ...good.pieces] }],
    ['lengths that do not add up', { ...good, blob: { ...good.blob, length: 11 } }],
    ['a path out of the pack', { ...good, pieces: [{ ...good.pieces[0], path: '../secret' }] }],
    [
      'a difference that would not fit in memory',
      { ...good, blob: { ...good.blob, chunks: [{ length: 10, size: 2 ** 31, sha256: hash('e') }] } },
    ],
    ['half an offset', { ...good, pieces: [{ ...good.pieces[0], offset: 0.5 }] }],
  ])('is refused: %s', (_, data) => {
    expect(() => parseDelta(typeof data === 'string' ? data : JSON.stringify(data))).toThrow(
      expect.objectContaining({ code: 'pack/bad-delta' }),
    )
  })
})

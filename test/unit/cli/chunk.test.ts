import { inflateSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { CHUNK_SIZE, chunkFiles } from '../../../src/cli/pack/chunk.ts'
import { concat } from '../../../src/lib/bytes.ts'
import { noise } from '../../helpers/synthetic-pack.ts'

describe('cutting files into chunks', () => {
  const files = new Map([
    ['weights', noise(3 * CHUNK_SIZE + 17, 1)],
    ['empty', new Uint8Array()],
    ['again', noise(3 * CHUNK_SIZE + 17, 1).slice(0, CHUNK_SIZE)],
    ['card.md', new TextEncoder().encode('card '.repeat(100))],
  ])

  it('gives every file back', async () => {
    const { files: entries, chunks, blob } = await chunkFiles(files)
    const starts = chunks.map((_, i) => chunks.slice(0, i).reduce((sum, { length }) => sum + length, 0))
    for (const { path, size, chunks: indexes } of entries) {
      const parts = indexes.map((i) =>
        inflateSync(blob.subarray(starts[i], (starts[i] ?? 0) + (chunks[i]?.length ?? 0))),
      )
      expect(concat(...parts)).toEqual(files.get(path))
      expect(size).toBe(files.get(path)?.length)
    }
    expect(blob.length).toBe(chunks.reduce((sum, { length }) => sum + length, 0))
  })

  it('stores equal pieces once and is the same each time', async () => {
    const first = await chunkFiles(files)
    expect(first.files[2]?.chunks).toEqual([first.files[0]?.chunks[0]])
    expect(await chunkFiles(files)).toEqual(first)
  })
})

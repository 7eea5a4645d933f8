import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'fflate'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createAlignment } from '../../../src/cli/pack/alignment.ts'
import { buildDelta, type ReadablePack } from '../../../src/cli/pack/delta.ts'
import { blobReader } from '../../../src/cli/pack/open-folder.ts'
import { deltasFrom } from '../../../src/cli/pack/previous.ts'
import { writePack } from '../../../src/cli/pack/write-pack.ts'
import { loadReleaseKey } from '../../../src/cli/release-key.ts'
import { type Bytes, concat } from '../../../src/lib/bytes.ts'
import { deflate } from '../../../src/lib/deflate.ts'
import { applyDifference } from '../../../src/lib/difference.ts'
import { sha256Hex } from '../../../src/lib/sha256.ts'
import { parseDelta, updatesOf } from '../../../src/protocol/delta.ts'
import { KEEP, noise, seeded, syntheticPack } from '../../helpers/synthetic-pack.ts'
import { temporaryFolder } from '../../helpers/temporary-folder.ts'

const SIZE = 100_000
const weights = noise(SIZE, 1)

async function packOf(contents: Bytes, version = '1.0.0'): Promise<ReadablePack & { blob: Bytes }> {
  const { manifest, digest, blob } = await syntheticPack({ files: { [KEEP]: contents }, version })
  return { manifest, digest, blob, read: blobReader(manifest, blob) }
}

/** As a phone does it: every piece must come out as the very bytes that would have been downloaded. */
async function applyAll(old: ReadablePack, next: ReadablePack): Promise<{ bytes: number; patched: number }> {
  const built = await buildDelta(old, next)
  if (!built) return { bytes: 0, patched: 0 }
  const { delta, blob } = built
  expect(delta).toMatchObject({ from: old.digest, to: next.digest })
  let at = 0
  for (const [i, { chunk, path, offset }] of delta.pieces.entries()) {
    const { length = 0, size: unpacked = 0, sha256 } = delta.blob.chunks[i] ?? {}
    const packed = blob.subarray(at, at + length)
    at += length
    expect(await sha256Hex(packed)).toBe(sha256)
    const difference = inflateSync(packed, { out: new Uint8Array(unpacked) })
    const target = next.manifest.blob.chunks[chunk]
    const file = await old.read(path)
    const before = new Uint8Array(target?.size ?? 0).map((_, k) => file[offset + k] ?? 0)
    expect(await sha256Hex(deflate(applyDifference(before, difference, target?.size ?? 0)))).toBe(target?.sha256)
  }
  return { bytes: built.table.length + blob.length, patched: delta.pieces.length }
}

describe('an update as differences', () => {
  it('of 3 % moved weights costs at most 6 % of the whole', async () => {
    const random = seeded(5)
    const moved = weights.map((byte) => (random() < 0.03 ? byte + (random() < 0.5 ? 1 : -1) : byte))
    const [old, next] = [await packOf(weights), await packOf(moved, '1.0.1')]
    const { bytes, patched } = await applyAll(old, next)
    expect(patched).toBe(next.manifest.blob.chunks.length)
    // Chunks here are an eighth of real ones, so the table weighs eight times as much.
    expect(bytes - 200 * patched).toBeLessThan(0.06 * next.manifest.blob.length)
  })

  it('finds the old bytes again after some were put in or taken out', async () => {
    const old = await packOf(weights)
    for (const shifted of [concat(noise(37, 9), weights), weights.slice(37)]) {
      const next = await packOf(shifted, '1.0.1')
      const { bytes, patched } = await applyAll(old, next)
      expect(patched).toBeGreaterThanOrEqual(next.manifest.blob.chunks.length - 1)
      expect(bytes).toBeLessThan(0.05 * next.manifest.blob.length)
    }
  })

  it('leaves out what it cannot make smaller', async () => {
    expect(await buildDelta(await packOf(weights), await packOf(noise(SIZE, 2), '1.0.1'))).toBeUndefined()
    const half = concat(weights.slice(0, SIZE / 2), noise(SIZE / 2, 3))
    const { patched } = await applyAll(await packOf(weights), await packOf(half, '1.0.1'))
    expect(patched).toBeLessThanOrEqual(1)
    expect(await buildDelta(await packOf(weights), await packOf(weights, '1.0.1'))).toBeUndefined()
  })

  it('knows no place for bytes that are not there, nor for a run of one value', () => {
    const find = createAlignment(weights)
    expect(find(noise(500, 8))).toBeUndefined()
    expect(createAlignment(new Uint8Array(5000))(new Uint8Array(500))).toBeUndefined()
    expect(find(weights.slice(1234, 2234))).toBe(1234)
  })
})

describe('differences beside a pack', () => {
  afterEach(() => vi.unstubAllEnvs())

  async function release(out: string, contents: Bytes, version: string, previous: readonly string[] = []) {
    const { signer } = await loadReleaseKey()
    const pack = { ...(await syntheticPack({ files: { [KEEP]: contents }, version, signer })), reports: [], notes: [] }
    const { deltas, notes } = await deltasFrom([join(out, 'leaf'), ...previous], pack)
    await writePack(out, pack, deltas)
    return { pack, notes, updates: updatesOf(readFileSync(join(out, 'leaf', 'manifest.ndjson'), 'utf8')) }
  }

  it('are written for the version that was there, kept when it is built again, and go with the version', async () => {
    vi.stubEnv('JIKO_RELEASE_KEY', join(temporaryFolder(), 'key.json'))
    const out = temporaryFolder()
    const next = weights.map((byte, i) => (i % 40 === 0 ? byte + 1 : byte))
    const first = await release(out, weights, '1.0.0')
    expect(first.updates).toEqual([])
    const second = await release(out, next, '1.1.0')
    expect(second.updates).toMatchObject([{ from: first.pack.digest }])
    const table = join(out, 'leaf', second.updates[0]?.path ?? '')
    const blob = join(out, 'leaf', parseDelta(readFileSync(table, 'utf8')).blob.path)
    expect((await release(out, next, '1.1.0')).updates).toEqual(second.updates)
    expect([existsSync(table), existsSync(blob)]).toEqual([true, true])
    const unrelated = await release(out, noise(SIZE, 4), '2.0.0')
    expect(unrelated.updates).toEqual([])
    expect([existsSync(table), existsSync(blob)]).toEqual([false, false])
  })

  it('can be had from several older versions, and an unreadable one is told and passed over', async () => {
    vi.stubEnv('JIKO_RELEASE_KEY', join(temporaryFolder(), 'key.json'))
    const [old, older, broken, out] = [0, 0, 0, 0].map(temporaryFolder) as [string, string, string, string]
    const first = await release(older, weights, '1.0.0')
    const step = weights.map((byte, i) => (i % 50 === 0 ? byte + 1 : byte))
    const second = await release(old, step, '1.1.0')
    await release(broken, weights, '1.0.5')
    writeFileSync(join(broken, 'leaf', 'manifest.ndjson'), 'nonsense')
    const third = await release(
      out,
      step.map((byte, i) => (i % 60 === 0 ? byte - 1 : byte)),
      '1.2.0',
      [old, older, broken].map((folder) => join(folder, 'leaf')),
    )
    expect(third.updates.map(({ from }) => from)).toEqual([second.pack.digest, first.pack.digest])
    expect(third.notes).toEqual([
      expect.stringContaining('from 1.1.0'),
      expect.stringContaining('from 1.0.0'),
      expect.stringContaining(broken),
    ])
  })
})

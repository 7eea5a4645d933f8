import { createEngines } from '../../src/cli/engines.ts'
import { CHUNK_SIZE } from '../../src/cli/pack/chunk.ts'
import { buildDelta, type ReadablePack } from '../../src/cli/pack/delta.ts'
import { blobReader } from '../../src/cli/pack/open-folder.ts'
import { prepareModel } from '../../src/cli/pack/prepare-model.ts'
import { quantisePrepared } from '../../src/cli/pack/shrink.ts'
import { readSourceFolder } from '../../src/cli/pack/source.ts'
import { table } from '../../src/cli/text.ts'
import { type Bytes, concat } from '../../src/lib/bytes.ts'
import { writeExternal } from '../../src/onnx/write.ts'
import { noise, seeded, syntheticPack } from '../helpers/synthetic-pack.ts'

/**
 * What an update of the coffee-leaf weights costs by three ways: the whole file again, only the chunks that changed, and
 * differences where they are smaller (their table included), as `jiko pack` writes them and phones apply them.
 */
export async function bench(): Promise<void> {
  const { open } = createEngines()
  const folder = await readSourceFolder('models/coffee-leaf')
  const prepared = await prepareModel(folder, open)
  if (!folder.calibration) throw new Error('models/coffee-leaf has no calibration.json')
  const { weights } = writeExternal(quantisePrepared(prepared, folder.calibration, folder.modelDigest).model, 'w')
  const random = seeded(1)
  const lastLayer = weights.slice()
  lastLayer.set(noise(5 * 512, 3), weights.length - 5 * 512 - 64)
  const moved = weights.map((byte) => (random() < 0.03 ? byte + (random() < 0.5 ? 1 : -1) : byte))
  const old = await packed(weights)
  const rows = [['', 'whole', 'changed chunks', 'differences']]
  for (const [name, contents] of [
    ['last layer replaced', lastLayer],
    ['3 % of weights moved by one step', moved],
    ['the same, after 100 more bytes at the start', concat(noise(100, 4), moved)],
    ['unrelated', noise(weights.length, 5)],
  ] as const) {
    const { whole, changed, difference } = await cost(old, await packed(contents))
    rows.push([name, ...[whole, changed, difference].map((bytes) => `${(bytes / 1000).toFixed(1)} KB`)])
    rows.push(['', '', ...[changed, difference].map((bytes) => `${((100 * bytes) / whole).toFixed(1)} %`)])
  }
  console.log(table(rows))
}

async function packed(weights: Bytes): Promise<ReadablePack> {
  const files = { 'model.weights': weights }
  const { manifest, digest, blob } = await syntheticPack({ files, chunkSize: CHUNK_SIZE })
  return { manifest, digest, read: blobReader(manifest, blob) }
}

async function cost(old: ReadablePack, next: ReadablePack) {
  const here = new Set(old.manifest.blob.chunks.map(({ sha256 }) => sha256))
  const { chunks, length: whole } = next.manifest.blob
  const changed = chunks.reduce((sum, { length, sha256 }) => sum + (here.has(sha256) ? 0 : length), 0)
  const built = await buildDelta(old, next)
  const saved = built?.delta.pieces.reduce((sum, { chunk }) => sum + (chunks[chunk]?.length ?? 0), 0) ?? 0
  const difference = changed - saved + (built ? built.blob.length + built.table.length : 0)
  return { whole, changed, difference }
}

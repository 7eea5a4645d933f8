import { deflateSync } from 'fflate'
import { createEngines } from '../../src/cli/engines.ts'
import { CHUNK_SIZE } from '../../src/cli/pack/chunk.ts'
import { prepareModel } from '../../src/cli/pack/prepare-model.ts'
import { readSourceFolder } from '../../src/cli/pack/source.ts'
import { quantisePrepared } from '../../src/cli/pack/variant.ts'
import { table } from '../../src/cli/text.ts'
import type { Bytes } from '../../src/lib/bytes.ts'
import { writeExternal } from '../../src/onnx/write.ts'
import { noise, seeded } from '../helpers/synthetic-pack.ts'

/**
 * What an update of the coffee-leaf weights would cost by three ways: the whole file again, only the chunks that
 * changed, and for each changed chunk the difference to the old bytes, deflated, where that is smaller.
 * Installing differences is not built yet: these are the numbers to decide it by.
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
  const rows = [['', 'whole', 'changed chunks', 'differences']]
  for (const [name, next] of [
    ['last layer replaced', lastLayer],
    ['3 % of weights moved by one step', moved],
    ['unrelated', noise(weights.length, 5)],
  ] as const) {
    const { whole, changed, difference } = cost(weights, next)
    rows.push([name, ...[whole, changed, difference].map((bytes) => `${(bytes / 1000).toFixed(1)} KB`)])
    rows.push(['', '', ...[changed, difference].map((bytes) => `${((100 * bytes) / whole).toFixed(1)} %`)])
  }
  console.log(table(rows))
}

const packed = (bytes: Bytes): number => deflateSync(bytes, { level: 9 }).length

function cost(old: Bytes, next: Bytes): { whole: number; changed: number; difference: number } {
  let [whole, changed, difference] = [0, 0, 0]
  for (let at = 0; at < next.length; at += CHUNK_SIZE) {
    const [before, after] = [old.subarray(at, at + CHUNK_SIZE), next.subarray(at, at + CHUNK_SIZE)]
    const full = packed(after)
    whole += full
    if (before.length === after.length && after.every((byte, i) => byte === before[i])) continue
    changed += full
    difference += Math.min(full, packed(after.map((byte, i) => byte - (before[i] ?? 0))))
  }
  return { whole, changed, difference }
}

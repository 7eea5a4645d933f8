import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { evaluate, type Outcome } from '../../../src/cli/evaluate.ts'
import { keepFigures } from '../../../src/cli/figures.ts'
import type { RunnablePack } from '../../../src/cli/open-pack.ts'
import { parseAccuracy } from '../../../src/protocol/accuracy.ts'
import { KEEP, noise, syntheticPack } from '../../helpers/synthetic-pack.ts'
import { temporaryFolder } from '../../helpers/temporary-folder.ts'

const { manifest } = await syntheticPack({ files: { [KEEP]: noise(900, 1), 'full.onnx': noise(900, 2) } })
const variant = manifest.variants.find(({ name }) => name === 'fp32')

/** A pack of which only what `keepFigures` asks is there. */
const runnable = (weights = 1): RunnablePack =>
  ({
    pack: { manifest, read: async () => noise(900, weights) },
    variant,
    opened: { backend: 'nano 2' },
  }) as unknown as RunnablePack

const outcome = (truth: string, label: string, score: number): Outcome => ({ truth, label, score, sure: true, ms: 1 })
const right = Array.from({ length: 8 }, () => outcome('rust', 'rust', 0.9))
const wrong = Array.from({ length: 2 }, () => outcome('healthy', 'rust', 0.9))
const sets = { 'data/whole': [...right, ...wrong], 'data/healthy-only': wrong }
const labels = ['healthy', 'rust']

async function measure(folder: string, data: keyof typeof sets, pack = runnable()) {
  await keepFigures(folder, pack, { figures: evaluate(sets[data], labels), data, strangers: [] })
  const [entry] = parseAccuracy(readFileSync(join(folder, 'accuracy.json'), 'utf8')).variants
  if (!entry) throw new Error('nothing was kept')
  return entry
}
const byName = (all: readonly { split: string; calibrationError: number }[]) =>
  Object.fromEntries(all.map(({ split, calibrationError }) => [split, calibrationError]))

describe('what eval keeps', () => {
  it('is how sure it was of each set of data, whichever was measured last', async () => {
    const wanted = { whole: 0.1, 'healthy-only': 0.9 }
    const orders: (keyof typeof sets)[][] = [
      ['data/whole', 'data/healthy-only'],
      ['data/healthy-only', 'data/whole', 'data/healthy-only'],
    ]
    for (const order of orders) {
      const folder = temporaryFolder()
      for (const data of order) await measure(folder, data)
      const entry = await measure(folder, 'data/whole')
      expect(byName(entry.sets)).toEqual(wanted)
      const whole = entry.sets.find(({ split }) => split === 'whole')
      expect(whole).toMatchObject({
        data: 'data',
        count: 10,
        confusion: [
          [0, 2],
          [0, 8],
        ],
      })
      expect(whole?.perClass.rust).toEqual({ count: 8, recall: 1, precision: 0.8 })
    }
  })

  it('is nothing of another program', async () => {
    const folder = temporaryFolder()
    await measure(folder, 'data/whole')
    expect(byName((await measure(folder, 'data/healthy-only', runnable(2))).sets)).toEqual({ 'healthy-only': 0.9 })
  })

  it('is, of a file of before, that of what was measured last', async () => {
    const folder = temporaryFolder()
    const { sets: measured, ...entry } = await measure(folder, 'data/whole')
    const [{ calibrationError, perClass, confusion } = { calibrationError: 1, perClass: {}, confusion: [] }] = measured
    const former = {
      format: 'jiko-accuracy/1',
      variants: [{ ...entry, calibrationError, perClass, confusion }],
    }
    const text = JSON.stringify(former)
    expect(parseAccuracy(text).variants).toEqual([{ ...entry, sets: measured }])
    writeFileSync(join(folder, 'accuracy.json'), text)
    expect(byName((await measure(folder, 'data/healthy-only')).sets)).toEqual({ whole: 0.1, 'healthy-only': 0.9 })
    const none = JSON.stringify({ ...former, variants: [{ ...former.variants[0], figures: [] }] })
    expect(parseAccuracy(none).variants[0]?.sets).toEqual([])
  })

  it.each([
    [{ format: 'jiko-accuracy/9', variants: [] }, 'format'],
    [{ format: 'jiko-accuracy/1', variants: [{ name: 'int8' }] }, 'variants.0.program'],
    [
      {
        format: 'jiko-accuracy/2',
        variants: [{ name: 'int8', program: '0'.repeat(64), figures: [], sets: [{ data: 'd', split: 's', count: 0 }] }],
      },
      'variants.0.sets.0.count',
    ],
  ])('is not read where it is broken: %#', (bad, said) => {
    expect(() => parseAccuracy(JSON.stringify(bad))).toThrow(said)
  })
})

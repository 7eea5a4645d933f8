import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parsePackSource } from '../../../src/protocol/pack-source.ts'
import { prepareFor } from '../../../src/tasks/table.ts'

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
const inputOf = (name: string) => {
  const { input } = parsePackSource(readFileSync(`models/${name}/pack.json`, 'utf8'))
  if (!input) throw new Error(`${name} has no input`)
  return input
}
const noFile = () => Promise.reject(new Error('no file is needed'))

describe('what the phone feeds the models', () => {
  it('is what spoken-arabic was trained with', async () => {
    const { features } = json('models/spoken-arabic/reference.json') as { features: number[] }
    const samples = Float32Array.from(
      { length: 16_000 },
      (_, n) =>
        0.5 * Math.sin((2 * Math.PI * 440 * n) / 16_000) * Math.exp(-n / 8000) +
        0.1 * Math.sin((2 * Math.PI * (300 + 0.1 * n) * n) / 16_000),
    )
    const prepare = await prepareFor(inputOf('spoken-arabic'), noFile)
    const [call] = prepare({ kind: 'audio', sound: { samples, rate: 16_000 } })
    const tensor = call?.input
    expect(tensor?.dims).toEqual([1, 1, 49, 40])
    const worst = features.reduce((most, value, i) => Math.max(most, Math.abs(value - Number(tensor?.data[i]))), 0)
    expect(worst).toBeLessThan(1e-3)
  })

  it('is what language-id was trained with, in every script', async () => {
    const prepare = await prepareFor(inputOf('language-id'), noFile)
    for (const { text, buckets } of json('models/language-id/reference.json') as {
      text: string
      buckets: number[]
    }[]) {
      const [call] = prepare({ kind: 'text', text })
      const values = Array.from(call?.input?.data ?? [], Number)
      expect(values.flatMap((value, bucket) => (value > 0 ? [bucket] : []))).toEqual(buckets)
      expect(values.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 4)
    }
  })
})

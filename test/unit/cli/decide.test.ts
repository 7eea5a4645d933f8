import { describe, expect, it } from 'vitest'
import { decide, type Judged } from '../../../src/cli/decide.ts'
import { seeded } from '../../helpers/synthetic-pack.ts'

/** A model whose logits say exactly how likely it is right, times `boast`. */
function samples(boast: number, count = 4000): Judged[] {
  const random = seeded(3)
  return Array.from({ length: count }, () => {
    const gap = 6 * random()
    const likely = 1 / (1 + Math.exp(-gap))
    return { logits: [boast * gap, 0], truth: random() < likely ? 0 : 1 }
  })
}

describe('deciding what is sure', () => {
  it('finds the temperature that makes a boastful model honest, and a modest one bold', () => {
    for (const boast of [3, 1, 0.25]) {
      const { decision, loss } = decide(samples(boast), { right: 0.9 })
      expect(decision.temperature / boast).toBeGreaterThan(0.93)
      expect(decision.temperature / boast).toBeLessThan(1.07)
      expect(loss.after).toBeLessThanOrEqual(loss.before + 1e-9)
    }
  })

  it('takes the lowest threshold above which enough is right, and the energy that enough of the samples reach', () => {
    const list = samples(2)
    const { decision, sure } = decide(list, { right: 0.97, keep: 0.95 })
    expect(sure.accuracy).toBeGreaterThanOrEqual(0.97)
    const lower = list.filter(
      ({ logits }) => 1 / (1 + Math.exp(-(logits[0] ?? 0) / decision.temperature)) >= decision.threshold - 0.05,
    )
    expect(lower.filter(({ truth }) => truth === 0).length / lower.length).toBeLessThan(0.97)
    const energies = list.map(({ logits }) => Math.log(1 + Math.exp((logits[0] ?? 0) / decision.temperature)))
    const kept = energies.filter((energy) => energy >= (decision.energy ?? 0)).length / list.length
    expect(kept).toBeCloseTo(0.95, 2)
  })

  it('is sure of nothing where nothing is right, and copes with a single sample', () => {
    const wrong = Array.from({ length: 10 }, (_, i) => ({ logits: [i + 1, 0], truth: 1 }))
    expect(decide(wrong, { right: 0.9 })).toMatchObject({ decision: { threshold: 1 } })
    expect(decide([{ logits: [2, 1], truth: 0 }], { right: 0.9 }).sure).toEqual({ share: 1, accuracy: 1 })
  })
})

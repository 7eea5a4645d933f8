import { describe, expect, it } from 'vitest'
import { fillCard, readCard } from '../../../scripts/cards.ts'

describe('model cards', () => {
  it('print exactly the figures of accuracy.json (`npm run cards` brings them up to date)', async () => {
    const { now, filled } = await readCard('models/coffee-leaf')
    expect(now).toBe(filled)
    expect(now).toMatch(/\| accuracy \| \d+\.\d % \| coffee-leaf-lara2018, test, 174 \|/)
  })

  it('refuse to guess where the figures go', () => {
    expect(() => fillCard('no markers', { format: 'jiko-accuracy/1', variants: [] }, [])).toThrow('shipped:begin')
  })
})

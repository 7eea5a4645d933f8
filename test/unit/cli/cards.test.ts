import { describe, expect, it } from 'vitest'
import { fillCard, listModels, readCard, readTable } from '../../../scripts/cards.ts'
import { fillTable, modelsTable } from '../../../scripts/models-table.ts'
import type { MeasuredSet } from '../../../src/protocol/accuracy.ts'

const models = await listModels('models')

describe('model cards', () => {
  it.each(models)(
    'of %s prints exactly the figures of accuracy.json (`npm run cards` brings them up to date)',
    async (folder) => {
      const { now, filled } = await readCard(folder)
      expect(now).toBe(filled)
      expect(now).toMatch(/\| [^|]+ \| \d+\.\d % \| [^|]+, \d+ \|/)
    },
  )

  it('are there for the leaf and the digits at least, and so is the table of all', async () => {
    expect(models).toEqual(expect.arrayContaining(['models/coffee-leaf', 'models/form-digits']))
    const { now, filled } = await readTable('models')
    expect(now).toBe(filled)
    for (const folder of models) expect(now).toContain(`(${folder.slice('models/'.length)}/card.md)`)
  })

  it('refuse to guess where the figures go', () => {
    expect(() => fillCard('no markers', { format: 'jiko-accuracy/2', variants: [] }, [])).toThrow('shipped:begin')
    expect(() => fillTable('no markers', [])).toThrow('table:begin')
  })

  const whole: MeasuredSet = {
    data: 'leaves',
    split: 'test',
    count: 174,
    calibrationError: 0.01,
    perClass: {},
    confusion: [],
  }
  const part: MeasuredSet = { ...whole, split: 'rust', count: 30 }

  it('say what a calibration error was measured on where that was more than one thing, and show classes of the largest', () => {
    const classes = { healthy: { count: 174, recall: 1, precision: 0.5 } }
    const sets = [
      { ...part, calibrationError: 0.2, perClass: { healthy: { count: 30, recall: 0.1, precision: 0.1 } } },
      { ...whole, perClass: classes, confusion: [[174]] },
    ]
    const variant = { name: 'int8', program: '0'.repeat(64), figures: [], sets }
    const card = '<!-- shipped:begin --><!-- shipped:end -->'
    const filled = fillCard(card, { format: 'jiko-accuracy/2', variants: [variant] }, ['healthy'])
    expect(filled).toContain('error 20.0 % (leaves, rust, 30), 1.0 % (leaves, test, 174).')
    expect(filled).toContain('Of leaves, test:\n\n| class')
    expect(filled).toContain('| healthy | 174 | 100.0 % | 50.0 % |')
    expect(filled).not.toContain('10.0 %')
  })

  it('tell bytes only where they were measured, and the calibration error of the whole', () => {
    const variant = {
      name: 'int8',
      program: '0'.repeat(64),
      figures: [],
      sets: [{ ...part, calibrationError: 0.2 }, whole],
    }
    const accuracy = {
      format: 'jiko-accuracy/2' as const,
      variants: [variant, { ...variant, name: 'small', bytes: 1500 }],
    }
    const rows = modelsTable([{ source: { name: 'leaf', title: { en: 'Leaf' } }, accuracy }]).split('\n')
    expect(rows.slice(2)).toEqual([
      '| [leaf](leaf/card.md): Leaf | int8 |  |  | 1.0 % |',
      '| [leaf](leaf/card.md): Leaf | small | 2 KB |  | 1.0 % |',
    ])
  })
})

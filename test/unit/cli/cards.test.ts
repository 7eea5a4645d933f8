import { describe, expect, it } from 'vitest'
import { fillCard, listModels, readCard, readTable } from '../../../scripts/cards.ts'
import { fillTable, modelsTable } from '../../../scripts/models-table.ts'

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
    expect(() => fillCard('no markers', { format: 'jiko-accuracy/1', variants: [] }, [])).toThrow('shipped:begin')
    expect(() => fillTable('no markers', [])).toThrow('table:begin')
  })

  it('tell bytes only where they were measured', () => {
    const variant = {
      name: 'int8',
      program: '0'.repeat(64),
      figures: [],
      calibrationError: 0.01,
      perClass: {},
      confusion: [],
    }
    const accuracy = {
      format: 'jiko-accuracy/1' as const,
      variants: [variant, { ...variant, name: 'small', bytes: 1500 }],
    }
    const rows = modelsTable([{ source: { name: 'leaf', title: { en: 'Leaf' } }, accuracy }]).split('\n')
    expect(rows.slice(2)).toEqual([
      '| [leaf](leaf/card.md): Leaf | int8 |  |  | 1.0 % |',
      '| [leaf](leaf/card.md): Leaf | small | 2 KB |  | 1.0 % |',
    ])
  })
})

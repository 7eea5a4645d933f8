import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCsvLines } from '../../../src/cli/csv.ts'

describe('CSV', () => {
  it.each<[string, string[][]]>([
    ['', []],
    [
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['\uFEFFa\r\n"x, ""y""",\r\n', [['a'], ['x, "y"', '']]],
    ['"two\nlines",3', [['two\nlines', '3']]],
    ['a\n\nb', [['a'], [''], ['b']]],
    [',', [['', '']]],
    ['"never closed,1', [['"never closed', '1']]],
  ])('%j', (text, lines) => expect(parseCsvLines(text)).toEqual(lines))

  it('gives back whatever was quoted', () => {
    const lines = fc.array(
      fc.array(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é') }), {
        minLength: 1,
        maxLength: 4,
      }),
      { maxLength: 5 },
    )
    fc.assert(
      fc.property(lines, (table) => {
        const text = table
          .map((line) => `${line.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')}\n`)
          .join('')
        expect(parseCsvLines(text)).toEqual(table)
      }),
    )
  })
})

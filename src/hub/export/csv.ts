import type { Cell } from './rows.ts'

/** Spreadsheets take text that begins so for a formula, and would run it. */
const FORMULA = /^[=+\-@\t\r]/

/** One field of RFC 4180; text that a spreadsheet would run begins with an apostrophe instead. */
export function csvField(cell: Cell): string {
  if (cell === undefined) return ''
  if (typeof cell !== 'string') return String(cell)
  const text = FORMULA.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const csvLine = (cells: readonly Cell[]): string => `${cells.map(csvField).join(',')}\r\n`

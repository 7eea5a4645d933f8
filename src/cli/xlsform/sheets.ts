import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import readXlsxFile from 'read-excel-file/universal'
import { JikoError } from '../../protocol/error.ts'
import { parseCsvLines } from '../csv.ts'

export const SHEETS = ['survey', 'choices', 'settings'] as const
export type SheetName = (typeof SHEETS)[number]

export interface Row {
  /** As the spreadsheet numbers it. */
  readonly at: number
  /** By the name of the column; empty ones are not there. */
  readonly cells: Readonly<Record<string, string>>
}

export interface Sheet {
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
}
export type Sheets = Readonly<Partial<Record<SheetName, Sheet>>>

/** More is no form. */
const MOST_BYTES = 20_000_000

/** Names that XLSForm has for the same column. */
const ALIASES: Readonly<Record<string, string>> = { 'list name': 'list_name', value: 'name', command: 'type' }

/** `Label : English (en)` and `label::English (en)` are one column. */
function columnName(header: string): string {
  const [base = '', ...language] = header.split(/\s*::?\s*/)
  const name = base.trim().toLowerCase()
  return [ALIASES[name] ?? name, ...language.map((part) => part.trim())].join('::')
}

export function sheetOf(table: readonly (readonly string[])[]): Sheet {
  const first = table.findIndex((line) => line.some((cell) => cell.trim() !== ''))
  if (first === -1) return { columns: [], rows: [] }
  const columns = (table[first] ?? []).map(columnName)
  const rows = table.slice(first + 1).map((line, i) => {
    const cells: Record<string, string> = {}
    for (const [column, cell] of line.entries()) {
      const name = columns[column]
      if (name && cell.trim() !== '') cells[name] = cell.trim()
    }
    return { at: first + i + 2, cells }
  })
  return { columns: columns.filter(Boolean), rows: rows.filter(({ cells }) => Object.keys(cells).length > 0) }
}

const asText = (cell: unknown): string => {
  if (cell === null || cell === undefined) return ''
  return cell instanceof Date ? cell.toISOString().slice(0, 10) : String(cell)
}

async function readWorkbook(path: string): Promise<Sheets> {
  const bytes = await readFile(path)
  const sheets = await readXlsxFile(new Uint8Array(bytes).buffer).catch((cause: unknown) => {
    throw new JikoError('cli/bad-xlsform', `${path} is no .xlsx workbook; save it as .xlsx, or each sheet as .csv`, {
      cause,
    })
  })
  const found: Partial<Record<SheetName, Sheet>> = {}
  for (const { sheet, data } of sheets) {
    const name = SHEETS.find((one) => one === sheet.trim().toLowerCase())
    if (name) found[name] = sheetOf(data.map((line) => line.map(asText)))
  }
  return found
}

async function readFolder(folder: string): Promise<Sheets> {
  const files = await readdir(folder)
  const found: Partial<Record<SheetName, Sheet>> = {}
  for (const name of SHEETS) {
    const file = files.find((one) => one.toLowerCase() === `${name}.csv`)
    if (file) found[name] = sheetOf(parseCsvLines(await readFile(join(folder, file), 'utf8')))
  }
  return found
}

/** The sheets of an .xlsx file, or of a folder with `survey.csv` and its like. @throws JikoError `cli/no-file`, `cli/bad-xlsform` */
export async function readSheets(path: string): Promise<Sheets> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new JikoError('cli/no-file', `There is no ${path}.`, { cause })
  })
  if (found.size > MOST_BYTES)
    throw new JikoError('cli/bad-xlsform', `${path} has ${found.size} bytes; a form has less than ${MOST_BYTES}`)
  const sheets = await (found.isDirectory() ? readFolder(path) : readWorkbook(path))
  if (sheets.survey) return sheets
  throw new JikoError(
    'cli/bad-xlsform',
    found.isDirectory()
      ? `${path} has no survey.csv`
      : `${path} has no sheet "survey"; an XLSForm has "survey", "choices" and "settings"`,
  )
}

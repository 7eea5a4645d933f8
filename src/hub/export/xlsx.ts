import { utf8 } from '../../lib/bytes.ts'
import { createZip, type ZipPart } from '../../lib/zip.ts'
import type { Cell } from './rows.ts'

/** What a sheet and a cell can hold. */
const MOST_ROWS = 1_048_576
const MOST_CHARACTERS = 32_767
/** Rows turned into bytes at a time. */
const ROWS = 500

const NAMESPACE = 'http://schemas.openxmlformats.org'
const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const SHEET = `${HEAD}<worksheet xmlns="${NAMESPACE}/spreadsheetml/2006/main"><sheetData>`
const SHEET_END = '</sheetData></worksheet>'

/** XML has no place for most control characters, nor for halves of characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replace(UNWRITABLE, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')

/** Text is written as text, so that nothing in it is ever a formula. */
function cellXml(cell: Cell): string {
  if (cell === undefined || cell === '') return '<c/>'
  if (typeof cell === 'boolean') return `<c t="b"><v>${cell ? 1 : 0}</v></c>`
  if (typeof cell === 'number') return Number.isFinite(cell) ? `<c><v>${cell}</v></c>` : '<c/>'
  return `<c t="inlineStr"><is><t xml:space="preserve">${escapeXml(cell.slice(0, MOST_CHARACTERS))}</t></is></c>`
}

const rowXml = (cells: readonly Cell[]): string => `<row>${cells.map(cellXml).join('')}</row>`

function partsAbout(sheets: number): Record<string, string> {
  const numbers = Array.from({ length: sheets }, (_, i) => i + 1)
  const main = `application/vnd.openxmlformats-officedocument.spreadsheetml`
  const relation = `${NAMESPACE}/officeDocument/2006/relationships`
  return {
    'xl/workbook.xml': `${HEAD}<workbook xmlns="${NAMESPACE}/spreadsheetml/2006/main" xmlns:r="${relation}"><sheets>${numbers
      .map((n) => `<sheet name="results ${n}" sheetId="${n}" r:id="rId${n}"/>`)
      .join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': `${HEAD}<Relationships xmlns="${NAMESPACE}/package/2006/relationships">${numbers
      .map((n) => `<Relationship Id="rId${n}" Type="${relation}/worksheet" Target="worksheets/sheet${n}.xml"/>`)
      .join('')}</Relationships>`,
    '_rels/.rels': `${HEAD}<Relationships xmlns="${NAMESPACE}/package/2006/relationships"><Relationship Id="rId1" Type="${relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    '[Content_Types].xml': `${HEAD}<Types xmlns="${NAMESPACE}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${main}.sheet.main+xml"/>${numbers
      .map((n) => `<Override PartName="/xl/worksheets/sheet${n}.xml" ContentType="${main}.worksheet+xml"/>`)
      .join('')}</Types>`,
  }
}

/** A workbook as it is made: no more of it is held than a few hundred rows. A sheet that is full goes on in another. */
export async function* writeXlsx(
  header: readonly string[],
  rows: AsyncIterable<readonly Cell[]>,
  mostRows: number = MOST_ROWS,
): AsyncGenerator<Uint8Array> {
  const zip = createZip()
  let sheets = 0
  const beginSheet = (): ZipPart => {
    sheets += 1
    const part = zip.begin(`xl/worksheets/sheet${sheets}.xml`)
    part.push(utf8(SHEET + rowXml(header)))
    return part
  }
  let sheet = beginSheet()
  let inSheet = 1
  let text = ''
  let pending = 0
  for await (const row of rows) {
    if (inSheet === mostRows) {
      sheet.push(utf8(text + SHEET_END), true)
      text = ''
      sheet = beginSheet()
      inSheet = 1
    }
    text += rowXml(row)
    inSheet += 1
    pending += 1
    if (pending < ROWS) continue
    sheet.push(utf8(text))
    text = ''
    pending = 0
    yield* zip.take()
  }
  sheet.push(utf8(text + SHEET_END), true)
  for (const [name, content] of Object.entries(partsAbout(sheets))) zip.begin(name).push(utf8(content), true)
  zip.end()
  yield* zip.take()
}

import { Readable } from 'node:stream'
import { utf8 } from '../../lib/bytes.ts'
import { headlineOf } from '../../protocol/answer.ts'
import { streamRecords } from '../records.ts'
import type { HubStore } from '../store/store.ts'
import { csvLine } from './csv.ts'
import { type Cell, COLUMNS, type ExportedResult, exportedResults } from './rows.ts'
import { writeXlsx } from './xlsx.ts'

/** Rows of text turned into bytes at a time. */
const ROWS = 200

const HEADER = COLUMNS.map(([name]) => name)
const cellsOf = (result: ExportedResult): Cell[] => COLUMNS.map(([, cell]) => cell(result))

async function* inBatches(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let text = ''
  let count = 0
  for await (const piece of pieces) {
    text += piece
    count += 1
    if (count % ROWS !== 0) continue
    yield utf8(text)
    text = ''
  }
  if (text !== '') yield utf8(text)
}

async function* csv(results: AsyncIterable<ExportedResult>): AsyncGenerator<string> {
  // By this mark Excel knows UTF-8.
  yield `\ufeff${csvLine(HEADER)}`
  for await (const result of results) yield csvLine(cellsOf(result))
}

async function* rows(results: AsyncIterable<ExportedResult>): AsyncGenerator<Cell[]> {
  for await (const result of results) yield cellsOf(result)
}

/** RFC 7946: a result without a place is a feature without geometry. */
async function* geoJson(results: AsyncIterable<ExportedResult>): AsyncGenerator<string> {
  yield '{"type":"FeatureCollection","features":['
  let separator = '\n'
  for await (const result of results) {
    const { place } = result.body
    const geometry = place ? { type: 'Point', coordinates: [place.longitude, place.latitude] } : null
    const properties = Object.fromEntries(COLUMNS.map(([name, cell]) => [name, cell(result) ?? null]))
    yield `${separator}${JSON.stringify({ type: 'Feature', id: result.id, geometry, properties })}`
    separator = ',\n'
  }
  yield '\n]}\n'
}

/**
 * What a model said beside what people say: to train the next one. What was taken back is left out; `label` is null until
 * somebody has looked, or where people disagree.
 */
async function* labels(results: AsyncIterable<ExportedResult>): AsyncGenerator<string> {
  for await (const { id, body, said } of results) {
    if (said.retracted) continue
    const { pack, variant, task, answer, scores, attachments } = body
    const disputed = said.conflicts.label !== undefined
    const line = {
      id,
      task,
      inputs: attachments.filter(({ role }) => role === 'input').map(({ sha256, type }) => ({ sha256, type })),
      prediction: { answer, scores, sure: headlineOf(answer).sure },
      label: disputed ? null : (said.label ?? null),
      ...(disputed && { disputed: said.conflicts.label }),
      corrected: said.fields,
      model: { ...pack, variant },
    }
    yield `${JSON.stringify(line)}\n`
  }
}

/** Read as fast as it is taken, and no faster. */
const toStream = (pieces: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> =>
  Readable.toWeb(Readable.from(pieces)) as ReadableStream<Uint8Array>

interface Format {
  type: string
  /** How its file's name ends. */
  ending: string
  write(store: HubStore, program: string): AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>
}

/** What the hub gives out, by the name that one asks with. */
export const FORMATS = {
  ndjson: {
    type: 'application/x-ndjson',
    ending: 'ndjson',
    write: (store, program) => streamRecords(store, program),
  },
  csv: {
    type: 'text/csv; charset=utf-8',
    ending: 'csv',
    write: (store, program) => inBatches(csv(exportedResults(store, program))),
  },
  xlsx: {
    type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    ending: 'xlsx',
    write: (store, program) => writeXlsx(HEADER, rows(exportedResults(store, program))),
  },
  geojson: {
    type: 'application/geo+json',
    ending: 'geojson',
    write: (store, program) => inBatches(geoJson(exportedResults(store, program))),
  },
  labels: {
    type: 'application/x-ndjson',
    ending: 'labels.ndjson',
    write: (store, program) => inBatches(labels(exportedResults(store, program))),
  },
} as const satisfies Record<string, Format>
export type FormatName = keyof typeof FORMATS

export const isFormat = (name: string): name is FormatName => Object.hasOwn(FORMATS, name)

/** The answer to `GET /v1/{program}/export/{format}`: written as it is read. */
export function exportResponse(store: HubStore, program: string, name: FormatName): Response {
  const { type, ending, write } = FORMATS[name]
  const headers = { 'content-type': type, 'content-disposition': `attachment; filename="${program}.${ending}"` }
  const pieces = write(store, program)
  return new Response(pieces instanceof ReadableStream ? pieces : toStream(pieces), { headers })
}

import { readdir } from 'node:fs/promises'
import { basename, dirname, extname, join, relative, sep } from 'node:path'
import { JikoError } from '../protocol/error.ts'
import type { Input } from '../protocol/input.ts'
import type { TaskInput } from '../protocol/task.ts'
import { parseCsvLines } from './csv.ts'
import { readTextFile } from './files.ts'
import type { ReadInput } from './read-input.ts'

type Kind = Input['kind']

/** One thing to ask a pack about and, where it is known, the right answer. */
export interface Sample {
  /** Path of the file, or of the table and its row. */
  readonly name: string
  readonly label: string | undefined
  read(): Promise<TaskInput>
}

/** Which files hold what a pack looks at. */
const FILES: Readonly<Record<Kind, { pattern: RegExp; what: string }>> = {
  image: { pattern: /\.(jpe?g|png|webp)$/i, what: 'JPEG, PNG or WebP picture' },
  audio: { pattern: /\.wav$/i, what: 'WAV file' },
  text: { pattern: /\.txt$/i, what: 'text file (.txt), nor is it a table (.csv, .tsv) with a column "text"' },
  bytes: { pattern: /./, what: 'file' },
}

/** All such files in a folder and below, in the same order on every machine. @throws JikoError `cli/no-folder`, `cli/no-samples` */
export async function listFiles(folder: string, kind: Kind): Promise<string[]> {
  const { pattern, what } = FILES[kind]
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause) => {
    throw new JikoError('cli/no-folder', `There is no folder ${folder} to read samples from.`, { cause })
  })
  const paths = entries
    .filter((entry) => entry.isFile() && pattern.test(entry.name) && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((a, b) => (a < b ? -1 : 1))
  if (paths.length > 0) return paths
  throw new JikoError('cli/no-samples', `${folder} holds no ${what}.`)
}

/** At most `most` of a list, spread evenly over it. */
export function spread<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list]
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)] as T)
}

type Row = Record<string, string>

const objects = ([names = [], ...rows]: string[][]): Row[] =>
  rows.map((values) => Object.fromEntries(names.map((name, i) => [name, values[i] ?? ''])))

const linesOf = (text: string): string[] => text.split(/\r?\n/).filter((line) => line.trim() !== '')

/** Lines of a CSV file as objects by the names of its first line. Fields may be quoted. */
export function parseCsv(text: string): Row[] {
  const lines = parseCsvLines(text).map((line) => line.map((field) => field.trim()))
  return objects(lines.filter((line) => line.some((field) => field !== '')))
}

/** The same of tab-separated values, which are never quoted. */
export const parseTsv = (text: string): Row[] => objects(linesOf(text).map((line) => line.split('\t')))

const LABEL_COLUMNS = ['label', 'class', 'category']
const PATH_COLUMNS = ['path', 'file', 'filename', 'image']
const TEXT_COLUMNS = ['text', 'headline', 'sentence']

/** @throws JikoError `cli/no-file`, `cli/bad-labels` */
async function readTable(
  path: string,
  wanted: readonly (readonly string[])[],
): Promise<{ rows: Row[]; columns: string[] }> {
  const text = await readTextFile(path)
  if (text === undefined) throw new JikoError('cli/no-file', `There is no file ${path}.`)
  const rows = extname(path).toLowerCase() === '.tsv' ? parseTsv(text) : parseCsv(text)
  const names = Object.keys(rows[0] ?? {})
  const columns = wanted.map((choices) => choices.find((name) => names.includes(name)))
  if (columns.every((name) => name !== undefined)) return { rows, columns }
  throw new JikoError(
    'cli/bad-labels',
    `${path} needs the columns ${wanted.map(([name]) => `"${name}"`).join(' and ')}; it has ${names.join(', ') || 'none'}.`,
  )
}

/**
 * Samples of what a pack looks at. In a folder each file's folder is its label; with a labels file, its columns `path`
 * (relative to the file) and `label` or `class` say which, and rows of files outside `data` are left out. Text may be a
 * table with the columns `text` and `label`.
 * @throws JikoError `cli/bad-labels`, `cli/no-folder`, `cli/no-samples`
 */
export async function listSamples(data: string, kind: Kind, read: ReadInput, labelsFile?: string): Promise<Sample[]> {
  if (kind === 'text' && /\.(csv|tsv)$/i.test(data)) return textTable(data)
  const paths = await listFiles(data, kind)
  const sample = (path: string, label: string): Sample => ({ name: path, label, read: () => read(path) })
  if (labelsFile === undefined) return paths.map((path) => sample(path, basename(dirname(path))))
  const { rows, columns } = await readTable(labelsFile, [PATH_COLUMNS, LABEL_COLUMNS])
  const [pathColumn = '', labelColumn = ''] = columns
  const root = dirname(labelsFile)
  const labels = new Map(rows.map((one) => [one[pathColumn]?.split('/').join(sep), one[labelColumn]]))
  const samples = paths.flatMap((path) => {
    const label = labels.get(relative(root, path)) ?? labels.get(relative(data, path))
    return label ? [sample(path, label)] : []
  })
  if (samples.length > 0) return samples
  throw new JikoError('cli/bad-labels', `${labelsFile} names none of the ${paths.length} files in ${data}.`)
}

async function textTable(path: string): Promise<Sample[]> {
  const { rows, columns } = await readTable(path, [TEXT_COLUMNS, LABEL_COLUMNS])
  const [textColumn = '', labelColumn = ''] = columns
  return rows.map((row, i) => ({
    name: `${path}, row ${i + 1}`,
    label: row[labelColumn],
    read: async () => ({ kind: 'text', text: row[textColumn] ?? '' }),
  }))
}

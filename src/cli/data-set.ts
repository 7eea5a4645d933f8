import { readdir } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { JikoError } from '../protocol/error.ts'
import { readTextFile } from './files.ts'

/** One picture and, where it is known, what it shows. */
export interface Sample {
  readonly path: string
  readonly label: string | undefined
}

const PICTURE = /\.(jpe?g|png|webp)$/i

/** All pictures in a folder and below, in the same order on every machine. @throws JikoError `cli/no-pictures` */
export async function listPictures(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause) => {
    throw new JikoError('cli/no-folder', `There is no folder ${folder} to read pictures from.`, { cause })
  })
  const paths = entries
    .filter((entry) => entry.isFile() && PICTURE.test(entry.name) && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((a, b) => (a < b ? -1 : 1))
  if (paths.length > 0) return paths
  throw new JikoError('cli/no-pictures', `${folder} holds no JPEG, PNG or WebP picture.`)
}

/** At most `most` of a list, spread evenly over it. */
export function spread<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list]
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)] as T)
}

/** Lines of a CSV file as objects by the names of its first line. Fields may be quoted. */
export function parseCsv(text: string): Record<string, string>[] {
  const rows = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const fields = (line: string): string[] =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
      ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.trim() ?? '',
    )
  const [names = [], ...lines] = rows.map(fields)
  return lines.map((values) => Object.fromEntries(names.map((name, i) => [name, values[i] ?? ''])))
}

const LABEL_COLUMNS = ['label', 'class']
const PATH_COLUMNS = ['path', 'file', 'filename', 'image']

/**
 * Labelled pictures. Without a labels file each picture's folder is its label. With one, its columns `path` (relative to
 * the file) and `label` or `class` say which; rows of pictures outside `folder` are left out.
 * @throws JikoError `cli/bad-labels`, `cli/no-pictures`
 */
export async function listSamples(folder: string, labelsFile?: string): Promise<Sample[]> {
  const pictures = await listPictures(folder)
  if (labelsFile === undefined) return pictures.map((path) => ({ path, label: basename(dirname(path)) }))
  const text = await readTextFile(labelsFile)
  if (text === undefined) throw new JikoError('cli/no-file', `There is no file ${labelsFile}.`)
  const rows = parseCsv(text)
  const [row = {}] = rows
  const pathColumn = PATH_COLUMNS.find((name) => name in row)
  const labelColumn = LABEL_COLUMNS.find((name) => name in row)
  if (!pathColumn || !labelColumn) {
    throw new JikoError(
      'cli/bad-labels',
      `${labelsFile} needs the columns "path" and "label"; it has ${Object.keys(row).join(', ') || 'none'}.`,
    )
  }
  const root = dirname(labelsFile)
  const labels = new Map(rows.map((one) => [one[pathColumn]?.split('/').join(sep), one[labelColumn]]))
  const samples = pictures.flatMap((path) => {
    const label = labels.get(relative(root, path)) ?? labels.get(relative(folder, path))
    return label ? [{ path, label }] : []
  })
  if (samples.length > 0) return samples
  throw new JikoError('cli/bad-labels', `${labelsFile} names none of the ${pictures.length} pictures in ${folder}.`)
}

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AccuracyFile, parseAccuracy } from '../src/protocol/accuracy.ts'
import { type PackSource, parsePackSource } from '../src/protocol/pack-source.ts'
import { bySize, fillTable } from './models-table.ts'

const BEGIN = '<!-- shipped:begin -->'
const END = '<!-- shipped:end -->'

const percent = (value: number): string => `${(value * 100).toFixed(1)} %`

type Variant = AccuracyFile['variants'][number]

/** The figures of one shipped variant as Markdown. */
function table({ name, figures, bitsPerCharacter = [], sets }: Variant, labels: readonly string[]): string {
  const measured = figures.map(
    ({ metric, value, data, split, count, runtime }) =>
      `| ${metric} | ${percent(value)} | ${data}, ${split}, ${count} | ${runtime} |`,
  )
  for (const { metric, value, data, split, count, runtime } of bitsPerCharacter)
    measured.push(`| ${metric} | ${value.toFixed(2)} | ${data}, ${split}, ${count} | ${runtime} |`)
  const [largest] = bySize(sets)
  const { perClass = {}, confusion = [] } = largest ?? {}
  // Of several sets it is said which.
  const isOne = sets.length === 1
  const calibration = sets.map(({ calibrationError, data, split, count }) =>
    isOne ? percent(calibrationError) : `${percent(calibrationError)} (${data}, ${split}, ${count})`,
  )
  const classes = Object.entries(perClass).map(
    ([label, { count, recall, precision }]) => `| ${label} | ${count} | ${percent(recall)} | ${percent(precision)} |`,
  )
  const rows = confusion.map((row, i) => `| **${labels[i]}** | ${row.join(' | ')} |`)
  const parts = [
    `Variant \`${name}\`; expected calibration error ${calibration.join(', ')}.`,
    ['| | | measured on | runtime |', '|---|---|---|---|', ...measured].join('\n'),
  ]
  // What reads instead of naming has no classes.
  if (classes.length > 0) {
    parts.push(
      ...(isOne ? [] : [`Of ${largest?.data}, ${largest?.split}:`]),
      ['| class | count | recall | precision |', '|---|---|---|---|', ...classes].join('\n'),
      'True class in rows, answer in columns:',
      [`| | ${labels.join(' | ')} |`, `|---|${labels.map(() => '---|').join('')}`, ...rows].join('\n'),
    )
  }
  return parts.join('\n\n')
}

/** A model card with the figures of `accuracy.json` between its markers. */
export function fillCard(card: string, accuracy: AccuracyFile, labels: readonly string[]): string {
  const from = card.indexOf(BEGIN)
  const to = card.indexOf(END)
  if (from < 0 || to < from) throw new Error(`the card has no ${BEGIN} ... ${END}`)
  const figures = accuracy.variants.map((variant) => table(variant, labels)).join('\n\n')
  return `${card.slice(0, from + BEGIN.length)}\n${figures}\n${card.slice(to)}`
}

const readModel = async (folder: string): Promise<{ accuracy: AccuracyFile; source: PackSource }> => ({
  accuracy: parseAccuracy(await readFile(join(folder, 'accuracy.json'), 'utf8')),
  source: parsePackSource(await readFile(join(folder, 'pack.json'), 'utf8')),
})

/** The card of a folder of `models/`, as it is and as it should be. */
export async function readCard(folder: string): Promise<{ path: string; now: string; filled: string }> {
  const path = join(folder, 'card.md')
  const now = await readFile(path, 'utf8')
  const { accuracy, source } = await readModel(folder)
  const labels = source.labels.map(({ id }) => id)
  return { path, now, filled: fillCard(now, accuracy, labels) }
}

/** Folders of `models/` that are measured packs. */
export async function listModels(models: string): Promise<string[]> {
  const folders: string[] = []
  for (const entry of await readdir(models, { withFileTypes: true })) {
    const folder = join(models, entry.name)
    if (entry.isDirectory() && (await readdir(folder)).includes('accuracy.json')) folders.push(folder)
  }
  return folders.sort()
}

/** `models/README.md`, as it is and as it should be. */
export async function readTable(models: string): Promise<{ path: string; now: string; filled: string }> {
  const path = join(models, 'README.md')
  const now = await readFile(path, 'utf8')
  const all = []
  for (const folder of await listModels(models)) all.push(await readModel(folder))
  return { path, now, filled: fillTable(now, all) }
}

if (import.meta.main) {
  for (const folder of await listModels('models')) {
    const { path, filled } = await readCard(folder)
    await writeFile(path, filled)
    console.log(`${path}: figures of the shipped variants are those of accuracy.json`)
  }
  const { path, filled } = await readTable('models')
  await writeFile(path, filled)
  console.log(`${path}: one row a variant`)
}

import type { AccuracyFile, MeasuredSet } from '../src/protocol/accuracy.ts'
import type { PackSource } from '../src/protocol/pack-source.ts'

export const TABLE_BEGIN = '<!-- table:begin -->'
export const TABLE_END = '<!-- table:end -->'

export interface Model {
  readonly source: Pick<PackSource, 'name' | 'title'>
  readonly accuracy: AccuracyFile
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`

/** The sets that something was measured on, the largest first: the others may be parts of it. */
export const bySize = (sets: readonly MeasuredSet[]): MeasuredSet[] => [...sets].sort((a, b) => b.count - a.count)

/** One row a shipped variant; only what is in `accuracy.json`. */
export function modelsTable(models: readonly Model[]): string {
  const rows = models.flatMap(({ source, accuracy }) =>
    accuracy.variants.map(({ name, bytes, figures, bitsPerCharacter = [], sets }) => {
      const [largest] = bySize(sets)
      const tell = ({ metric, data, split, count }: (typeof figures)[number], value: string): string =>
        `${metric} ${value} (${split === 'strangers' ? data : split}, ${count.toLocaleString('en')})`
      const told = [
        ...figures.map((figure) => tell(figure, percent(figure.value))),
        ...bitsPerCharacter.map((figure) => tell(figure, figure.value.toFixed(2))),
      ]
      const size = bytes === undefined ? '' : `${Math.round(bytes / 1000)} KB`
      return `| [${source.name}](${source.name}/card.md): ${source.title.en} | ${name} | ${size} | ${told.join('<br>')} | ${largest ? percent(largest.calibrationError) : ''} |`
    }),
  )
  return ['| pack | variant | for a phone | measured | calibration error |', '|---|---|---|---|---|', ...rows].join(
    '\n',
  )
}

/** A README with the table between its markers. */
export function fillTable(readme: string, models: readonly Model[]): string {
  const from = readme.indexOf(TABLE_BEGIN)
  const to = readme.indexOf(TABLE_END)
  if (from < 0 || to < from) throw new Error(`the README has no ${TABLE_BEGIN} ... ${TABLE_END}`)
  return `${readme.slice(0, from + TABLE_BEGIN.length)}\n${modelsTable(models)}\n${readme.slice(to)}`
}

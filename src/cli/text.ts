import { headlineOf } from '../protocol/answer.ts'
import type { Label } from '../protocol/manifest.ts'
import { localised } from '../protocol/primitives.ts'
import type { RecordedAnswer } from '../protocol/record.ts'

export const kilobytes = (bytes: number): string => `${Math.round(bytes / 1000).toLocaleString('en')} KB`

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** Columns lined up; the first is text, the rest numbers. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)), [])
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** An answer in one line. */
export function sentence(answer: RecordedAnswer, labels: readonly Label[], language: string): string {
  const { labels: found, text, score, sure } = headlineOf(answer)
  const names = found.map(({ id, count }) => {
    const label = labels.find((one) => one.id === id)
    const name = sure && label ? localised(label.name, language) : id
    return count > 1 ? `${count} x ${name}` : name
  })
  const what = [...names, ...(text ? [text] : [])].join(', ') || 'nothing'
  const doubt = answer.kind === 'classes' && answer.known === false ? 'nothing known' : 'not sure'
  return `${sure ? what : `${doubt} (${what}?)`}${score === undefined ? '' : `, ${percent(score)}`}`
}

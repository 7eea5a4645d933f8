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

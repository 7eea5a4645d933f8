/** Chromium draws no page higher than 16,384 px, and the higher it is the longer it takes: beyond what is waited for. */
const HIGHEST = 6_000

/** Between two pictures, and for the name above each. */
export const GAP = 20
const NAME = 30

/** Pictures in rows, as many rows to a sheet as may stand above each other; one that is higher has a sheet to itself. */
export function sheetsOf<Picture extends { height: number }>(
  pictures: readonly Picture[],
  columns: number,
): Picture[][] {
  const sheets: Picture[][] = []
  let left = 0
  for (let at = 0; at < pictures.length; at += columns) {
    const row = pictures.slice(at, at + columns)
    const height = Math.max(...row.map((picture) => picture.height)) + NAME + GAP
    if (height > left) {
      sheets.push([])
      left = HIGHEST
    }
    sheets.at(-1)?.push(...row)
    left -= height
  }
  return sheets
}

/** Fields of every line of a CSV file, as RFC 4180 has them: quoted ones may hold commas, quotes and line breaks. */
export function parseCsvLines(text: string): string[][] {
  const lines: string[][] = []
  let line: string[] = []
  for (const [all, quoted, plain = '', end] of text
    .replace(/^\uFEFF/, '')
    .matchAll(/(?:"((?:[^"]|"")*)"[^,\r\n]*|([^,\r\n]*))(,|\r\n?|\n|$)/g)) {
    // At the very end nothing matches once more.
    if (all === '' && line.length === 0) break
    line.push(quoted?.replaceAll('""', '"') ?? plain)
    if (end === ',') continue
    lines.push(line)
    line = []
  }
  return lines
}

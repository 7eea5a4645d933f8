const CELL = 56
const LEFT = 150
const TOP = 120

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** A confusion matrix as a picture: rows are the truth, columns the answers, darker is a larger share of the row. */
export function confusionSvg(labels: readonly string[], confusion: readonly (readonly number[])[]): string {
  const side = labels.length * CELL
  const cells = confusion.flatMap((row, y) => {
    const total = row.reduce((sum, n) => sum + n, 0)
    return row.map((n, x) => {
      const share = total === 0 ? 0 : n / total
      const [left, top] = [LEFT + x * CELL, TOP + y * CELL]
      const ink = share > 0.5 ? '#fff' : '#111'
      return [
        `<rect x="${left}" y="${top}" width="${CELL}" height="${CELL}" fill="#0b5d3b" fill-opacity="${share.toFixed(3)}" stroke="#999"/>`,
        `<text x="${left + CELL / 2}" y="${top + CELL / 2 + 5}" text-anchor="middle" fill="${ink}">${n}</text>`,
      ].join('')
    })
  })
  const names = labels.flatMap((label, i) => {
    const centre = i * CELL + CELL / 2
    const text = escapeXml(label)
    return [
      `<text x="${LEFT - 8}" y="${TOP + centre + 5}" text-anchor="end">${text}</text>`,
      `<text transform="translate(${LEFT + centre + 5} ${TOP - 8}) rotate(-60)">${text}</text>`,
    ]
  })
  const size = [LEFT + side + 60, TOP + side + 20]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.join(' ')}" width="${size[0]}" height="${size[1]}" font-family="sans-serif" font-size="14"><rect width="100%" height="100%" fill="#fff"/>${[...cells, ...names].join('')}</svg>\n`
}

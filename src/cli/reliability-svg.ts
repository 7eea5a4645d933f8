import type { Common } from './evaluate.ts'

const SIDE = 300
const LEFT = 60
const TOP = 20

/** How right the answers are beside how sure they are: on the diagonal they are honest. Larger dots are more answers. */
export function reliabilitySvg(reliability: Common['reliability']): string {
  const x = (score: number): string => (LEFT + SIDE * score).toFixed(1)
  const y = (accuracy: number): string => (TOP + SIDE * (1 - accuracy)).toFixed(1)
  const total = reliability.reduce((sum, { count }) => sum + count, 0)
  const lines = [0, 0.25, 0.5, 0.75, 1].map((at) =>
    [
      `<line x1="${x(0)}" y1="${y(at)}" x2="${x(1)}" y2="${y(at)}" stroke="#ddd"/>`,
      `<text x="${LEFT - 8}" y="${Number(y(at)) + 5}" text-anchor="end">${100 * at} %</text>`,
      `<text x="${x(at)}" y="${TOP + SIDE + 20}" text-anchor="middle">${100 * at} %</text>`,
    ].join(''),
  )
  const dots = reliability.map(
    ({ score, accuracy, count }) =>
      `<circle cx="${x(score)}" cy="${y(accuracy)}" r="${(3 + 17 * Math.sqrt(count / total)).toFixed(1)}" fill="#0b5d3b" fill-opacity="0.7"><title>${count}</title></circle>`,
  )
  const size = [LEFT + SIDE + 30, TOP + SIDE + 50]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.join(' ')}" width="${size[0]}" height="${size[1]}" font-family="sans-serif" font-size="14">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...lines,
    `<line x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}" stroke="#999" stroke-dasharray="4"/>`,
    ...dots,
    `<text x="${LEFT + SIDE / 2}" y="${TOP + SIDE + 42}" text-anchor="middle">how sure (across), how right (up)</text></svg>\n`,
  ].join('')
}

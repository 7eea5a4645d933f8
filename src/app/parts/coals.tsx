import type { JSX } from 'preact'

const COALS = [
  'M7 22L12 9l11-3 10 6 4 11-7 10-13 3-9-6z',
  'M5 20l7-12 12-1 12 8-1 12-10 9-13-1z',
  'M6 24l3-13 12-5 13 5 3 12-8 11-14 1z',
  'M5 18l9-11 13 1 9 10-3 12-12 6-12-4z',
  'M7 25l1-13 11-6 14 6 4 12-9 9-13 2z',
]

/** How many of five coals glow for a probability. Never none: an answer is always the likeliest one. */
export const glowing = (score: number): number => Math.min(5, Math.max(1, Math.round(score * 5)))

/** Five coals in a row: full and hollow differ by shape, so that neither colour nor reading is needed. */
export function Coals({ score }: { score: number }): JSX.Element {
  const full = glowing(score)
  return (
    <svg class="coals" viewBox="0 0 220 42" aria-hidden="true">
      {COALS.map((path, i) => (
        <path key={path} class={i < full ? 'glows' : 'cold'} d={path} transform={`translate(${i * 44} 0)`} />
      ))}
    </svg>
  )
}

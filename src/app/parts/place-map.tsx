import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { type PlaceMap as Laid, roundLength } from '../state/overview.ts'
import { useLanguage } from '../use-value.ts'

const SIDE = 300

/** Metres, or kilometres from one on. */
export function formatLength(metres: number, language: string): string {
  const [unit, value] = metres < 1000 ? (['meter', metres] as const) : (['kilometer', metres / 1000] as const)
  return new Intl.NumberFormat(language, { style: 'unit', unit, maximumSignificantDigits: 2 }).format(value)
}

/** Where answers were given: points, north and a scale. No map of the world is fetched for it. */
export function PlaceMap({ places }: { places: Laid }): JSX.Element {
  const language = useLanguage()
  const length = roundLength(places.metres)
  const scale = (length / places.metres) * SIDE
  const count = places.points.reduce((sum, point) => sum + point.count, 0)
  const text = formatLength(length, language)
  return (
    <figure class="chart map" data-testid="place-map" data-points={places.points.length}>
      <svg
        viewBox={`0 0 ${SIDE} ${SIDE}`}
        role="img"
        aria-label={i18n.t('map.label', { count, across: formatLength(places.metres, language) })}
      >
        <path class="north" d={`M${SIDE - 20} 12l9 22-9-6-9 6z`} />
        {places.points.map(({ x, y, count: here }) => (
          <circle key={`${x} ${y}`} cx={x * SIDE} cy={y * SIDE} r={Math.min(20, 6 + 3 * Math.log2(here))} />
        ))}
        <path class="scale" d={`M12 ${SIDE - 20}v8h${scale}v-8`} />
      </svg>
      <figcaption class="small">
        <span class="figures">{text}</span>
        <span>{i18n.t('map.private')}</span>
      </figcaption>
    </figure>
  )
}

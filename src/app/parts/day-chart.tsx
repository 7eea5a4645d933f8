import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { formatNumber } from '../format.ts'
import { formatDay } from '../format-when.ts'
import type { DayCount } from '../state/overview.ts'
import { useLanguage } from '../use-value.ts'

const STEP = 22
const HEIGHT = 60

/** Two weeks as bars: full where the answers were sure, hollow where not. The rows below say the same in words. */
export function DayChart({ days }: { days: readonly DayCount[] }): JSX.Element {
  const language = useLanguage()
  const most = Math.max(1, ...days.map(({ sure, unsure }) => sure + unsure))
  const total = days.reduce((sum, { sure, unsure }) => sum + sure + unsure, 0)
  const scale = HEIGHT / most
  const dayAndMonth = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short' })
  const [first, last] = [days[0], days.at(-1)]
  return (
    <figure class="chart" data-testid="day-chart" data-total={total}>
      <svg
        viewBox={`0 0 ${days.length * STEP} ${HEIGHT + 4}`}
        role="img"
        aria-label={i18n.t('chart.label', { count: total, days: days.length })}
      >
        {days.map(({ wall, sure, unsure }, i) => (
          <g key={wall} transform={`translate(${i * STEP + 3} ${HEIGHT + 2})`}>
            <rect class="sure" y={-sure * scale} width={STEP - 6} height={sure * scale} />
            {unsure > 0 && (
              <rect class="unsure" y={-(sure + unsure) * scale} width={STEP - 6} height={unsure * scale} />
            )}
          </g>
        ))}
        <path d={`M0 ${HEIGHT + 2}H${days.length * STEP}`} />
      </svg>
      <figcaption class="small">
        <span>{first && dayAndMonth.format(first.wall)}</span>
        <span>{i18n.t('chart.most', { count: formatNumber(most, language) })}</span>
        <span>{last && formatDay(last.wall, last.wall, language)}</span>
      </figcaption>
    </figure>
  )
}

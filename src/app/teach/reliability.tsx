import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import type { Lesson } from '../../client/kit.ts'
import { intervalOf } from '../../tasks/teach/interval.ts'
import { formatNumber } from '../format.ts'
import { useLanguage } from '../use-value.ts'

type Estimate = NonNullable<Lesson['taught']>['estimate']

/** Of each kind: a coal for each example, whole where it was named right while it was hidden, and how far that may be off. */
export function Reliability({ lesson, estimate }: { lesson: Lesson; estimate: Estimate }): JSX.Element {
  const language = useLanguage()
  return (
    <ul class="reliability" aria-label={i18n.t('lesson.chart')}>
      {estimate.classes.map(({ label, right, of }) => (
        <li key={label}>
          <span dir="auto">{lesson.classes.find(({ id }) => id === label)?.name ?? label}</span>
          <span class="figures">
            {i18n.t('lesson.right-of', { right: formatNumber(right, language), of: formatNumber(of, language) })}
          </span>
          <Coals right={right} of={of} />
        </li>
      ))}
    </ul>
  )
}

const WIDTH = 200

function Coals({ right, of }: { right: number; of: number }): JSX.Element {
  const { low, high } = intervalOf(right, of)
  const step = WIDTH / Math.max(10, of)
  return (
    <svg class="flips" viewBox={`0 0 ${WIDTH} 26`} aria-hidden="true">
      {Array.from({ length: of }, (_, i) => (
        <circle key={i} class={i < right ? 'solid' : ''} cx={step * (i + 0.5)} cy="8" r={Math.min(6, step / 2 - 1.5)} />
      ))}
      <path class="rail" d={`M0 22H${WIDTH}`} />
      <path class="range" d={`M${low * WIDTH} 22H${high * WIDTH}`} />
      <circle class="solid" cx={(right / Math.max(1, of)) * WIDTH} cy="22" r="4" />
    </svg>
  )
}

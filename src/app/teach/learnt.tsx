import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Lesson } from '../../client/kit.ts'
import { intervalOf } from '../../tasks/teach/interval.ts'
import { useApp } from '../context.ts'
import { formatNumber } from '../format.ts'
import { formatPercent } from '../format-percent.ts'
import { handOn } from '../parts/hand-on.ts'
import { Failure } from '../parts/notice.tsx'
import { Picture } from '../pictures.tsx'
import { hrefOf } from '../routes.ts'
import { useLanguage } from '../use-value.ts'
import { Reliability } from './reliability.tsx'

/** What came of a lesson: how well it may be expected to do, and what can be done with it. */
export function Learnt({ lesson }: { lesson: Lesson }): JSX.Element | null {
  const { kit } = useApp()
  const language = useLanguage()
  const [error, setError] = useState<unknown>()
  const { taught } = lesson
  if (!taught) return null
  const { estimate, pack } = taught
  const { low, high } = intervalOf(estimate.right, estimate.of)
  return (
    <section
      class="learnt"
      data-testid="learnt"
      data-right={estimate.right}
      data-of={estimate.of}
      data-version={taught.version}
    >
      <h2 class="section">{i18n.t('lesson.chart')}</h2>
      <p>
        {i18n.t('lesson.estimate', {
          right: formatNumber(estimate.right, language),
          of: formatNumber(estimate.of, language),
        })}
      </p>
      <p>
        <strong>
          {i18n.t('lesson.range', { low: formatPercent(low, language), high: formatPercent(high, language) })}
        </strong>
      </p>
      <Reliability lesson={lesson} estimate={estimate} />
      {taught.stale && (
        <p role="status" data-testid="stale">
          {i18n.t('lesson.stale')}
        </p>
      )}
      <a class="button primary" href={hrefOf({ screen: 'capture', pack })} data-testid="try-lesson">
        <Picture name="check" />
        <span>{i18n.t('lesson.try')}</span>
      </a>
      <button
        type="button"
        class="button"
        data-testid="share-lesson"
        onClick={() => kit.packs.exportFile(pack).then(handOn).catch(setError)}
      >
        {i18n.t('pack.share')}
      </button>
      {error !== undefined && <Failure error={error} />}
    </section>
  )
}

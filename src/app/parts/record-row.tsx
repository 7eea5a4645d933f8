import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import type { HistoryEntry } from '../../client/kit.ts'
import { headlineOf } from '../../protocol/answer.ts'
import { formatPercent, formatWhen } from '../format.ts'
import { answerWords, labelName, useLabels } from '../labels.ts'
import { hrefOf } from '../routes.ts'
import { useLanguage } from '../use-value.ts'
import { StateMark } from './state-mark.tsx'
import { Thumbnail } from './thumbnail.tsx'

/** One answer in a list: what, when, how far it has got. */
export function RecordRow({ entry }: { entry: HistoryEntry }): JSX.Element {
  const language = useLanguage()
  const { body, corrected } = entry
  const labels = useLabels(body.pack.name)
  const said = headlineOf(body.answer)
  const name = corrected === undefined ? answerWords(labels, said, language) : labelName(labels, corrected, language)
  const sure = said.sure || corrected !== undefined
  const score = said.score === undefined ? '' : `${formatPercent(said.score, language)} · `
  return (
    <li data-testid="record" data-state={entry.state} data-id={entry.id} data-label={corrected ?? said.labels[0]?.id}>
      <a class="row" href={hrefOf({ screen: 'answer', record: entry.id })}>
        <Thumbnail body={body} />
        <span class="row-text">
          <strong>{sure ? name : i18n.t('answer.not-sure')}</strong>
          <span class="small">
            {corrected === undefined
              ? `${sure ? '' : `${name} `}${score}${formatWhen(body.at.wall, Date.now(), language)}`
              : `${i18n.t('answer.by-person')} · ${formatWhen(body.at.wall, Date.now(), language)}`}
          </span>
        </span>
        <StateMark state={entry.state} />
      </a>
    </li>
  )
}

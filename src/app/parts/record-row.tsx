import type { JSX } from 'preact'
import type { HistoryEntry } from '../../client/kit.ts'
import { headlineOf } from '../../protocol/answer.ts'
import { formatPercent } from '../format-percent.ts'
import { formatWhen } from '../format-when.ts'
import { useLabels } from '../labels.ts'
import { hrefOf } from '../routes.ts'
import { useLanguage } from '../use-value.ts'
import { verdictOf } from '../verdict.ts'
import { StateMark } from './state-mark.tsx'
import { Thumbnail } from './thumbnail.tsx'

/** One answer in a list: what, when, how far it has got. */
export function RecordRow({ entry }: { entry: HistoryEntry }): JSX.Element {
  const language = useLanguage()
  const { body, corrected } = entry
  const labels = useLabels(body.pack.name)
  const said = headlineOf(body.answer)
  const { word, how, score, likeliest } = verdictOf(entry, labels, language)
  const when = formatWhen(body.at.wall, Date.now(), language)
  const percent = score === undefined ? '' : formatPercent(score, language)
  const more = corrected === undefined ? [[likeliest, percent].filter(Boolean).join(' '), when] : [how, when]
  return (
    <li data-testid="record" data-state={entry.state} data-id={entry.id} data-label={corrected ?? said.labels[0]?.id}>
      <a class="row" href={hrefOf({ screen: 'answer', record: entry.id })}>
        <Thumbnail body={body} />
        <span class="row-text">
          <strong>{word}</strong>
          <span class="small">{more.filter(Boolean).join(' · ')}</span>
        </span>
        <StateMark state={entry.state} />
      </a>
    </li>
  )
}

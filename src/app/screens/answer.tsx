import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { whenIdle } from '../../client/calm.ts'
import type { HistoryEntry } from '../../client/kit.ts'
import { headlineOf } from '../../protocol/answer.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { formatPercent } from '../format-percent.ts'
import { formatWhen } from '../format-when.ts'
import { useLabels } from '../labels.ts'
import { AskedBefore } from '../parts/alike.tsx'
import { Coals } from '../parts/coals.tsx'
import { Correction } from '../parts/correction.tsx'
import { FirstAnswer } from '../parts/first-answer.tsx'
import { Give } from '../parts/give.tsx'
import { InstallCard } from '../parts/install-card.tsx'
import { lazyScreen } from '../parts/lazy-screen.tsx'
import { Note } from '../parts/note.tsx'
import { Notice } from '../parts/notice.tsx'
import { RecordGiven } from '../parts/record-given.tsx'
import { Screen } from '../parts/screen.tsx'
import { Speak } from '../parts/speak.tsx'
import { StateMark } from '../parts/state-mark.tsx'
import { TaughtLine } from '../parts/taught-by.tsx'
import { Picture } from '../pictures.tsx'
import { useCome, useLanguage, useValue } from '../use-value.ts'
import { verdictOf } from '../verdict.ts'

/** Few packs bring a form, or ask that faces be hidden. */
const HiddenFaces = lazyScreen(async () => (await import('../parts/faces.tsx')).HiddenFaces)
const AnswerForm = lazyScreen(async () => (await import('../parts/answer-form.tsx')).AnswerForm)

/** One record: the answer when it is new, the same page when it is looked up later. */
export function AnswerScreen({ record }: { record: string }): JSX.Element {
  const { attempts, records, packs } = useApp()
  const language = useLanguage()
  const [missing, setMissing] = useState(false)
  const fresh = useValue(attempts.fresh)
  const entry = useValue(records.entries)?.find(({ id }) => id === record) ?? (fresh?.id === record ? fresh : undefined)
  useEffect(() => {
    if (!entry) void records.find(record).then((found) => setMissing(found === undefined))
  }, [record, entry === undefined])
  const offer = useValue(packs.offers)?.find(({ name }) => name === entry?.body.pack.name)
  const title = offer ? localised(offer.title, language) : i18n.t('answer.title')
  return (
    <Screen title={title} inner>
      {entry && <Answer key={entry.id} entry={entry} isNew={fresh?.id === record} />}
      {entry && offer?.taught && <TaughtLine taught={offer.taught} />}
      {!entry && missing && (
        <Notice picture="doubt" title={i18n.t('answer.missing')} text={i18n.t('answer.missing.advice')} />
      )}
    </Screen>
  )
}

/** Of a new answer nobody asks first when it was: its line is there, and is written once the answer has been shown. */
function When({ wall, isNew }: { wall: number; isNew: boolean }): JSX.Element {
  const language = useLanguage()
  const written = useCome(whenIdle, !isNew)
  return <span class="small when">{written ? formatWhen(wall, Date.now(), language) : '\u00a0'}</span>
}

function Answer({ entry, isNew }: { entry: HistoryEntry; isNew: boolean }): JSX.Element {
  const app = useApp()
  const language = useLanguage()
  const { body, corrected, state } = entry
  const labels = useLabels(body.pack.name)
  const { word, how, sure, score, advice, likeliest } = verdictOf(entry, labels, language)
  const said = headlineOf(body.answer)
  const percent = score === undefined ? '' : formatPercent(score, language)
  const offer = useValue(app.packs.offers)?.find(({ name }) => name === body.pack.name)

  useEffect(() => {
    if (isNew) app.announce(how ? i18n.t('answer.announce', { word, how }) : word)
  }, [])

  return (
    <>
      <RecordGiven body={body} />
      <section
        class={sure ? 'answer sure' : 'answer unsure'}
        data-testid="answer"
        data-label={said.labels[0]?.id}
        data-text={said.text}
        data-score={said.score}
        data-sure={said.sure}
        data-variant={body.variant}
      >
        <Picture name={sure ? 'check' : 'doubt'} />
        <div>
          {word.includes('\n') ? (
            <p class="word lines" dir="auto">
              {word}
            </p>
          ) : (
            <p class="word">{word}</p>
          )}
          {how && (
            <p class="how">
              {how}
              {percent && <span class="figures"> · {percent}</span>}
            </p>
          )}
        </div>
        {score !== undefined && <Coals score={score} />}
        {likeliest && (
          <p class={likeliest.includes('\n') ? 'small lines' : 'small'}>
            {i18n.t('answer.likeliest', { name: likeliest, score: percent })}
          </p>
        )}
        <p class="saved" data-testid="saved">
          <StateMark state={state} words />
          <When wall={body.at.wall} isNew={isNew} />
        </p>
      </section>
      {body.faces && <HiddenFaces entry={entry} faces={body.faces} offer={offer} />}
      {isNew && <AskedBefore entry={entry} />}
      {advice && (
        <section class="advice">
          <h2>{i18n.t('answer.advice')}</h2>
          <p dir="auto">{advice}</p>
        </section>
      )}
      {offer?.state === 'ready' && <FirstAnswer body={body} offer={offer} />}
      {offer?.form && <AnswerForm entry={entry} form={offer.form} />}
      <Speak text={[word, how, advice].filter(Boolean).join('. ')} entry={entry} offer={offer} />
      {offer?.state === 'ready' && <Give pack={body.pack.name} takes={offer.takes} again />}
      {(body.answer.kind === 'classes' || corrected !== undefined) && <Correction entry={entry} labels={labels} />}
      <Note entry={entry} />
      {isNew && <InstallCard />}
    </>
  )
}

import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { HistoryEntry } from '../../client/kit.ts'
import { headlineOf } from '../../protocol/answer.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { formatPercent, formatWhen } from '../format.ts'
import { answerWords, labelAdvice, labelName, useLabels } from '../labels.ts'
import { BlobImage } from '../parts/blob-image.tsx'
import { Coals } from '../parts/coals.tsx'
import { Correction } from '../parts/correction.tsx'
import { InstallCard } from '../parts/install-card.tsx'
import { Notice } from '../parts/notice.tsx'
import { PhotoButtons } from '../parts/photo-buttons.tsx'
import { Screen } from '../parts/screen.tsx'
import { StateMark } from '../parts/state-mark.tsx'
import { photoOf } from '../parts/thumbnail.tsx'
import { Picture } from '../pictures.tsx'
import { useLanguage, useValue } from '../use-value.ts'

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
      {!entry && missing && (
        <Notice picture="doubt" title={i18n.t('answer.missing')} text={i18n.t('answer.missing.advice')} />
      )}
    </Screen>
  )
}

function sureness(score: number, sure: boolean): string {
  if (!sure) return i18n.t('sure.no')
  return score >= 0.9 ? i18n.t('sure.very') : i18n.t('sure.fairly')
}

function Answer({ entry, isNew }: { entry: HistoryEntry; isNew: boolean }): JSX.Element {
  const app = useApp()
  const language = useLanguage()
  const { body, corrected, state } = entry
  const said = headlineOf(body.answer)
  const found = said.labels[0]?.id
  const labels = useLabels(body.pack.name)
  const name = corrected === undefined ? answerWords(labels, said, language) : labelName(labels, corrected, language)
  const sure = said.sure || corrected !== undefined
  const word = sure ? name : i18n.t('answer.not-sure')
  const advice = sure ? labelAdvice(labels, corrected ?? found, language) : i18n.t('answer.not-sure.advice')
  const score = said.score === undefined ? '' : formatPercent(said.score, language)
  const how = corrected === undefined ? sureness(said.score ?? 1, said.sure) : i18n.t('answer.by-person')
  const ready = useValue(app.packs.offers)?.some((offer) => offer.name === body.pack.name && offer.state === 'ready')

  useEffect(() => {
    if (isNew) app.announce(i18n.t('answer.announce', { word, how }))
  }, [])

  return (
    <>
      <RecordPhoto entry={entry} />
      <section
        class={sure ? 'answer sure' : 'answer unsure'}
        data-testid="answer"
        data-label={found}
        data-score={said.score}
        data-sure={said.sure}
      >
        <Picture name={sure ? 'check' : 'doubt'} />
        <div>
          <p class="word">{word}</p>
          <p class="how">
            {how}
            {corrected === undefined && score && <span class="figures"> · {score}</span>}
          </p>
        </div>
        {corrected === undefined && said.score !== undefined && <Coals score={said.score} />}
        {!sure && <p class="small">{i18n.t('answer.likeliest', { name, score })}</p>}
        <p class="saved" data-testid="saved">
          <StateMark state={state} words />
          <span class="small">{formatWhen(body.at.wall, Date.now(), language)}</span>
        </p>
      </section>
      {advice && (
        <section class="advice">
          <h2>{i18n.t('answer.advice')}</h2>
          <p>{advice}</p>
        </section>
      )}
      {ready && <PhotoButtons pack={body.pack.name} again />}
      <Correction entry={entry} labels={labels} />
      {isNew && <InstallCard />}
    </>
  )
}

function RecordPhoto({ entry }: { entry: HistoryEntry }): JSX.Element {
  const { kit } = useApp()
  const [blob, setBlob] = useState<Blob>()
  const hash = photoOf(entry.body, 'input')
  useEffect(() => {
    let stopped = false
    if (hash) {
      kit.records.attachment(hash).then(
        (found) => !stopped && setBlob(found),
        () => undefined,
      )
    }
    return () => {
      stopped = true
    }
  }, [hash])
  return <BlobImage blob={blob} alt={i18n.t('photo.alt')} />
}

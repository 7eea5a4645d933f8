import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { HistoryEntry } from '../../client/kit.ts'
import { headlineOf } from '../../protocol/answer.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { explain } from '../explain.ts'
import { formatNumber } from '../format.ts'
import { useAlike } from '../parts/alike.tsx'
import { Chooser } from '../parts/give.tsx'
import { Failure, Notice } from '../parts/notice.tsx'
import { RecordRow } from '../parts/record-row.tsx'
import { Screen } from '../parts/screen.tsx'
import { useSeen } from '../parts/use-seen.ts'
import { Picture } from '../pictures.tsx'
import { hrefOf } from '../routes.ts'
import { type Batch, type Batches, type BatchItem, waitingIn } from '../state/batch.ts'
import { useLanguage, useValue } from '../use-value.ts'

/** Many photos of one task: how far it is, then the answers, those to look at again first. */
export function BatchScreen(): JSX.Element {
  const { batches } = useApp()
  const [made, setMade] = useState<Batches>()
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    batches().then(setMade, setError)
  }, [])
  if (made) return <Here batches={made} />
  return <Screen title={i18n.t('batch.title')}>{error !== undefined && <Failure error={error} />}</Screen>
}

function Here({ batches }: { batches: Batches }): JSX.Element {
  const { packs } = useApp()
  const language = useLanguage()
  const batch = useValue(batches.current)
  const offer = useValue(packs.offers)?.find(({ name }) => name === batch?.pack)
  return (
    <Screen title={offer ? localised(offer.title, language) : i18n.t('batch.title')} inner>
      {batch ? (
        <Course batch={batch} batches={batches} />
      ) : (
        <Notice picture="photos" title={i18n.t('batch.none')} text={i18n.t('batch.none.advice')}>
          <a class="button" href={hrefOf({ screen: 'home' })}>
            {i18n.t('nav.home')}
          </a>
        </Notice>
      )}
    </Screen>
  )
}

interface CourseProps {
  batch: Batch
  batches: Batches
}

function Course({ batch, batches }: CourseProps): JSX.Element {
  const { announce } = useApp()
  const language = useLanguage()
  const total = batch.items.length
  const waiting = waitingIn(batch).length
  const done = total - waiting
  const counts = { done: formatNumber(done, language), total: formatNumber(total, language) }
  const running = batch.state === 'running'
  useEffect(() => {
    if (!running && waiting === 0) announce(i18n.t('batch.done', counts))
  }, [running])
  return (
    <>
      <div class="progress" data-testid="batch" data-state={batch.state} data-done={done} data-total={total}>
        <progress aria-label={i18n.t('batch.title')} value={done} max={total} />
        <p>
          <span>{running ? i18n.t('batch.running') : i18n.t('batch.answers')}</span>
          <span class="figures">{i18n.t('batch.done', counts)}</span>
        </p>
      </div>
      {batch.error !== undefined && <Failure error={batch.error} />}
      {!running && waiting > 0 && (
        <button type="button" class="button primary" data-testid="batch-resume" onClick={() => void batches.resume()}>
          <Picture name="check" />
          <span>{i18n.t('batch.resume', { count: waiting })}</span>
        </button>
      )}
      {waiting > 0 && (
        <button type="button" class="button quiet" data-testid="batch-stop" onClick={() => void batches.stop()}>
          {running ? i18n.t('action.stop') : i18n.t('batch.discard')}
        </button>
      )}
      {batch.state !== 'kept' && (
        <div class="actions">
          <Chooser pack={batch.pack} accept="image/*" camera picture="camera" testid="batch-photo" primary={!running}>
            {i18n.t('photo.next')}
          </Chooser>
          <Chooser pack={batch.pack} accept="image/*" picture="photos" testid="batch-choose" many>
            {i18n.t('photo.choose')}
          </Chooser>
        </div>
      )}
      <Results items={batch.items} />
    </>
  )
}

const needsALook = ({ body }: HistoryEntry): boolean => !headlineOf(body.answer).sure

function Results({ items }: { items: readonly BatchItem[] }): JSX.Element {
  const { records } = useApp()
  const fresh = useValue(records.entries) ?? []
  // The list knows what was corrected since.
  const answered = items
    .flatMap(({ entry }) => (entry ? [fresh.find(({ id }) => id === entry.id) ?? entry] : []))
    .reverse()
  useSeen(answered.filter(({ body }) => body.faces).map(({ id }) => id))
  const again = useAlike(answered.map(({ id }) => id))
  const failed = items.filter(({ state }) => state === 'failed' || state === 'lost')
  const unsure = answered.filter((entry) => entry.corrected === undefined && needsALook(entry))
  const sure = answered.filter((entry) => !unsure.includes(entry))
  const unkept = answered.filter(({ body }) => body.faces?.unkept !== undefined).length
  const twice = answered.filter(({ id }) => again.has(id))
  return (
    <>
      {unkept > 0 && (
        <div data-testid="photos-not-kept">
          <Notice
            picture="warning"
            title={i18n.t('faces.unkept.many', { count: unkept })}
            text={i18n.t('faces.unkept.text')}
          />
        </div>
      )}
      {(failed.length > 0 || unsure.length > 0) && (
        <section data-testid="batch-unsure">
          <h2 class="section">{i18n.t('batch.look')}</h2>
          <ul class="rows">
            {failed.map(({ at, name, error, state }) => (
              <li key={at} class="row" data-testid="batch-failed">
                <span class="thumbnail">
                  <Picture name="warning" />
                </span>
                <span class="row-text">
                  <strong>{state === 'lost' ? i18n.t('batch.lost') : explain(error).title}</strong>
                  <span class="small" dir="auto">
                    {name || i18n.t('batch.number', { at: at + 1 })}
                  </span>
                </span>
              </li>
            ))}
            {unsure.map((entry) => (
              <RecordRow key={entry.id} entry={entry} />
            ))}
          </ul>
        </section>
      )}
      {twice.length > 0 && (
        <section data-testid="batch-twice">
          <h2 class="section">{i18n.t('alike.title')}</h2>
          <ul class="rows">
            {twice.map((entry) => (
              <RecordRow key={entry.id} entry={entry} />
            ))}
          </ul>
        </section>
      )}
      {sure.length > 0 && (
        <section data-testid="batch-sure">
          <h2 class="section">{i18n.t('batch.sure')}</h2>
          <ul class="rows">
            {sure.map((entry) => (
              <RecordRow key={entry.id} entry={entry} />
            ))}
          </ul>
        </section>
      )}
    </>
  )
}

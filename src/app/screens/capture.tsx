import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { BlobImage } from '../parts/blob-image.tsx'
import { Failure, Notice } from '../parts/notice.tsx'
import { PackCard } from '../parts/pack-card.tsx'
import { PhotoButtons } from '../parts/photo-buttons.tsx'
import { ProgressLine } from '../parts/progress-line.tsx'
import { Screen } from '../parts/screen.tsx'
import { Picture, pictureOf } from '../pictures.tsx'
import type { Attempt } from '../state/attempt.ts'
import { useLanguage, useValue } from '../use-value.ts'

/** One photo on its way to an answer: how to take it, the wait, and what to do when it did not work. */
export function CaptureScreen({ pack }: { pack: string }): JSX.Element {
  const { attempts, packs } = useApp()
  const language = useLanguage()
  const attempt = useValue(attempts.current)
  const offer = useValue(packs.offers)?.find(({ name }) => name === pack)
  const title = offer ? localised(offer.title, language) : i18n.t('capture.title')
  return (
    <Screen title={title} inner>
      {attempt.state === 'none' || attempt.pack !== pack ? (
        <Guide pack={pack} />
      ) : (
        <Photo key={attempt.state} attempt={attempt} />
      )}
    </Screen>
  )
}

function Guide({ pack }: { pack: string }): JSX.Element | null {
  const language = useLanguage()
  const offers = useValue(useApp().packs.offers)
  const offer = offers?.find(({ name }) => name === pack)
  if (offers && !offer)
    return <Notice picture="doubt" title={i18n.t('capture.no-pack')} text={i18n.t('packs.none.advice')} />
  if (!offer) return null
  if (offer.state !== 'ready') return <PackCard offer={offer} />
  return (
    <>
      <div class="frame">
        <Picture name={pictureOf(pack)} />
      </div>
      <p class="lead">{localised(offer.description, language)}</p>
      <PhotoButtons pack={pack} />
    </>
  )
}

function Photo({ attempt }: { attempt: Exclude<Attempt, { state: 'none' }> }): JSX.Element {
  return (
    <>
      <div class={`looking ${attempt.state}`}>
        <BlobImage blob={attempt.photo} alt={i18n.t('photo.alt')} />
      </div>
      {attempt.state === 'working' && <Working attempt={attempt} />}
      {attempt.state === 'kept' && <Kept attempt={attempt} />}
      {attempt.state === 'failed' && <Failed attempt={attempt} />}
    </>
  )
}

function Working({ attempt }: { attempt: Extract<Attempt, { state: 'working' }> }): JSX.Element {
  const { attempts, announce } = useApp()
  const text = attempt.step === 'opening' ? i18n.t('capture.opening') : i18n.t('capture.looking')
  useEffect(() => announce(text), [text])
  return (
    <>
      <p class="lead" data-testid="working">
        {text}
      </p>
      {attempt.progress && <ProgressLine progress={attempt.progress} />}
      <button type="button" class="button quiet" onClick={() => attempts.cancel()}>
        {i18n.t('action.stop')}
      </button>
    </>
  )
}

function Kept({ attempt }: { attempt: Extract<Attempt, { state: 'kept' }> }): JSX.Element {
  const { attempts, navigation } = useApp()
  const discard = (): void => {
    attempts.discard()
    navigation.back()
  }
  return (
    <>
      <p class="lead">{i18n.t('kept.text')}</p>
      <div class="actions">
        <button
          type="button"
          class="button primary"
          onClick={() => void attempts.begin(attempt.pack, attempt.photo)}
          data-testid="kept-use"
        >
          <Picture name="check" />
          <span>{i18n.t('kept.use')}</span>
        </button>
        <button type="button" class="button" onClick={discard}>
          <Picture name="close" />
          <span>{i18n.t('kept.discard')}</span>
        </button>
      </div>
    </>
  )
}

function Failed({ attempt }: { attempt: Extract<Attempt, { state: 'failed' }> }): JSX.Element {
  const { attempts } = useApp()
  return (
    <>
      <Failure error={attempt.error}>
        <button type="button" class="button" onClick={() => void attempts.begin(attempt.pack, attempt.photo)}>
          {i18n.t('action.retry')}
        </button>
      </Failure>
      <PhotoButtons pack={attempt.pack} />
    </>
  )
}

import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { PackOffer } from '../../client/kit.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { Give } from '../parts/give.tsx'
import { Given } from '../parts/given.tsx'
import { lazyScreen } from '../parts/lazy-screen.tsx'
import { Failure, Notice } from '../parts/notice.tsx'
import { PackCard } from '../parts/pack-card.tsx'
import { ProgressLine } from '../parts/progress-line.tsx'
import { Screen } from '../parts/screen.tsx'
import { Sight } from '../parts/sight.tsx'
import { TaughtLine, TaughtNeeds } from '../parts/taught-by.tsx'
import { Picture, pictureOf } from '../pictures.tsx'
import type { Attempt } from '../state/attempt.ts'
import { useLanguage, useValue } from '../use-value.ts'

const FinderLine = lazyScreen(async () => (await import('../parts/finder-line.tsx')).FinderLine)

/** A photo, a word or a text on its way to an answer: how to give it, the wait, and what to do when it did not work. */
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
        <Underway key={attempt.state} attempt={attempt} takes={offer?.takes} />
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
      {(offer.takes ?? 'image') === 'image' ? (
        <Sight pack={pack} />
      ) : (
        <div class="frame">
          <Picture name={pictureOf(pack, offer.takes)} />
        </div>
      )}
      <p class="lead" dir="auto">
        {localised(offer.description, language)}
      </p>
      {offer.finder &&
        (offer.finder.ready ? (
          <p class="small" data-testid="faces-note">
            {i18n.t('faces.note')}
          </p>
        ) : (
          <FinderLine offer={offer} />
        ))}
      {offer.taught && <TaughtLine taught={offer.taught} />}
      {offer.taught && offer.taught.ready !== 'ready' ? (
        <TaughtNeeds taught={offer.taught} />
      ) : offer.takes === 'text' ? (
        <Writing pack={pack} />
      ) : (
        <Give pack={pack} takes={offer.takes} />
      )}
    </>
  )
}

/** A message to sort, in whatever language and script. */
function Writing({ pack }: { pack: string }): JSX.Element {
  const { attempts } = useApp()
  const [text, setText] = useState('')
  const send = (event: Event): void => {
    event.preventDefault()
    if (text.trim()) void attempts.begin(pack, new Blob([text], { type: 'text/plain' }))
  }
  return (
    <form class="actions" onSubmit={send}>
      <label class="writing">
        <span class="unseen">{i18n.t('text.label')}</span>
        <textarea
          dir="auto"
          rows={5}
          placeholder={i18n.t('text.label')}
          data-testid="text-input"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <button type="submit" class="button primary" disabled={!text.trim()} data-testid="text-send">
        <Picture name="check" />
        <span>{i18n.t('text.ask')}</span>
      </button>
    </form>
  )
}

type Begun = Exclude<Attempt, { state: 'none' }>

function Underway({ attempt, takes }: { attempt: Begun; takes: PackOffer['takes'] }): JSX.Element {
  if (attempt.state === 'listening') return <Listening />
  if (attempt.state === 'deaf')
    return (
      <>
        <Failure error={attempt.error} />
        <Give pack={attempt.pack} takes="audio" />
      </>
    )
  return (
    <>
      <div class={`looking ${attempt.state}`}>
        <Given blob={attempt.given} />
      </div>
      {attempt.state === 'working' && <Working attempt={attempt} />}
      {attempt.state === 'kept' && <Kept attempt={attempt} />}
      {attempt.state === 'failed' && <Failed attempt={attempt} takes={takes} />}
    </>
  )
}

/** A ring that grows with the voice: whoever cannot read sees that they are heard. */
function Listening(): JSX.Element {
  const { attempts, announce } = useApp()
  const level = useValue(attempts.level)
  const text = i18n.t('sound.listening')
  useEffect(() => announce(text), [])
  return (
    <>
      <div class="frame listening" data-testid="listening">
        <svg class="rings" viewBox="0 0 100 100" aria-hidden="true">
          <circle class="loud" cx="50" cy="50" r={28 + 22 * Math.min(1, 4 * level)} />
          <circle class="still" cx="50" cy="50" r="28" />
        </svg>
        <Picture name="microphone" />
      </div>
      <p class="lead">{text}</p>
      <button type="button" class="button quiet" onClick={() => attempts.cancel()}>
        {i18n.t('action.stop')}
      </button>
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
          onClick={() => void attempts.begin(attempt.pack, attempt.given)}
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

interface FailedProps {
  attempt: Extract<Attempt, { state: 'failed' }>
  takes: PackOffer['takes']
}

function Failed({ attempt, takes }: FailedProps): JSX.Element {
  const { attempts } = useApp()
  return (
    <>
      <Failure error={attempt.error}>
        <button type="button" class="button" onClick={() => void attempts.begin(attempt.pack, attempt.given)}>
          {i18n.t('action.retry')}
        </button>
      </Failure>
      {takes === 'text' ? <Writing pack={attempt.pack} /> : <Give pack={attempt.pack} takes={takes} />}
    </>
  )
}

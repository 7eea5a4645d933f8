import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { PackOffer } from '../../client/kit.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { formatBytes, formatDuration } from '../format.ts'
import { Picture, pictureOf } from '../pictures.tsx'
import { hrefOf } from '../routes.ts'
import { isGrowing, isHeldBack, type PackJob, packState } from '../state/packs.ts'
import { useLanguage, useValue } from '../use-value.ts'
import { Give } from './give.tsx'
import { lazyScreen } from './lazy-screen.tsx'
import { Failure } from './notice.tsx'
import { ProgressLine } from './progress-line.tsx'

const FinderLine = lazyScreen(async () => (await import('./finder-line.tsx')).FinderLine)

/** A task as a big picture: what it does, what it costs, and the one thing to do next. */
export function PackCard({ offer }: { offer: PackOffer }): JSX.Element {
  const { packs, records } = useApp()
  const language = useLanguage()
  const job = useValue(packs.jobs)[offer.name]
  const some = useValue(records.some)
  const state = packState(offer, job)
  const title = localised(offer.title, language)
  // What to press comes before what to read: on a small screen the words are below the fold, the camera never.
  const known = state === 'ready' && some === true
  return (
    <article class="pack" data-testid={`pack-${offer.name}`} data-state={state}>
      <a
        class="pack-picture"
        href={hrefOf({ screen: 'capture', pack: offer.name })}
        aria-label={title}
        data-testid="open-task"
      >
        <Picture name={pictureOf(offer.name, offer.takes)} />
      </a>
      <div class="pack-body">
        <h2 dir="auto">{title}</h2>
        {job?.error !== undefined && (
          <Failure error={job.error}>
            {isHeldBack(job.error) && (
              <button
                type="button"
                class="button"
                data-testid="install-anyway"
                onClick={() => void packs.install(offer, { anyway: true })}
              >
                {i18n.t('pack.anyway')}
              </button>
            )}
          </Failure>
        )}
        {state === 'absent' && offer.gone && (
          <p data-testid="pack-gone">{offer.gone === 'lost' ? i18n.t('pack.lost') : i18n.t('pack.evicted')}</p>
        )}
        {state === 'ready' && offer.finder?.ready === false && <FinderLine offer={offer} />}
        {state === 'ready' && <Give pack={offer.name} takes={offer.takes} />}
        {(state !== 'ready' || offer.update || (job && job.error === undefined)) && <Fetch offer={offer} job={job} />}
        {!known && <p dir="auto">{localised(offer.description, language)}</p>}
      </div>
    </article>
  )
}

function Fetch({ offer, job }: { offer: PackOffer; job: PackJob | undefined }): JSX.Element {
  const { kit, packs, announce } = useApp()
  const language = useLanguage()
  const [asked, setAsked] = useState(false)
  if (job && job.error === undefined) {
    const { done = 0, total = offer.bytes - offer.have } = job.progress ?? {}
    const stop = (): void => {
      packs.cancel(offer.name)
      announce(i18n.t('pack.paused', { size: formatBytes(total - done, language) }))
    }
    return (
      <>
        <ProgressLine progress={job.progress} />
        <button type="button" class="button" data-testid="stop-pack" onClick={stop}>
          <Picture name="close" />
          <span>{i18n.t('pack.stop')}</span>
        </button>
      </>
    )
  }
  const { update } = offer
  const bytes = formatBytes(update?.bytes ?? offer.bytes - offer.have + (offer.finder?.bytes ?? 0), language)
  const size = offer.seconds === undefined ? bytes : `${bytes} (≈ ${formatDuration(offer.seconds, language)})`
  const begun = update ? update.begun : offer.have > 0
  async function get(): Promise<void> {
    if (!asked && (await kit.packs.usage()).metered) setAsked(true)
    else await packs.install(offer)
  }
  const name = begun ? i18n.t('pack.continue') : update ? i18n.t('pack.update') : i18n.t('pack.get')
  return (
    <>
      <p class="cost" data-testid="cost" data-seconds={offer.seconds} data-paused={offer.paused}>
        {costText(offer, begun, size)}
      </p>
      {(update?.finder || offer.finder?.ready === false) && <FinderLine offer={offer} along />}
      {offer.room !== undefined && <p>{i18n.t('pack.room', { size: formatBytes(offer.room, language) })}</p>}
      {asked && <p role="alert">{i18n.t('pack.metered')}</p>}
      <button
        type="button"
        class={update ? 'button' : 'button primary'}
        data-testid={update ? 'update-pack' : 'install-pack'}
        onClick={() => void get()}
      >
        <Picture name="download" />
        <span>{asked ? i18n.t('pack.anyway') : name}</span>
      </button>
    </>
  )
}

function costText(offer: PackOffer, begun: boolean, size: string): string {
  const { update, paused } = offer
  if (paused) return i18n.t('pack.paused', { size })
  if (isGrowing(offer)) return i18n.t('pack.better', { size })
  if (begun) return i18n.t('pack.rest', { size })
  return update ? i18n.t('pack.newer', { version: update.version, size }) : i18n.t('pack.cost', { size })
}

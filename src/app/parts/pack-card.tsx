import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import type { PackOffer } from '../../client/kit.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { formatBytes } from '../format.ts'
import { Picture, pictureOf } from '../pictures.tsx'
import { type PackJob, packState } from '../state/packs.ts'
import { useLanguage, useValue } from '../use-value.ts'
import { Failure } from './notice.tsx'
import { PhotoButtons } from './photo-buttons.tsx'
import { ProgressLine } from './progress-line.tsx'

/** A task as a big picture: what it does, what it costs, and the one thing to do next. */
export function PackCard({ offer }: { offer: PackOffer }): JSX.Element {
  const { packs, records } = useApp()
  const language = useLanguage()
  const job = useValue(packs.jobs)[offer.name]
  const entries = useValue(records.entries)
  const state = packState(offer, job)
  // What to press comes before what to read: on a small screen the words are below the fold, the camera never.
  const known = state === 'ready' && (entries?.length ?? 0) > 0
  return (
    <article class="pack" data-testid={`pack-${offer.name}`} data-state={state}>
      <div class="pack-picture">
        <Picture name={pictureOf(offer.name)} />
      </div>
      <div class="pack-body">
        <h2>{localised(offer.title, language)}</h2>
        {job?.error !== undefined && <Failure error={job.error} />}
        {state === 'ready' ? <PhotoButtons pack={offer.name} /> : <Fetch offer={offer} job={job} />}
        {!known && <p>{localised(offer.description, language)}</p>}
      </div>
    </article>
  )
}

function Fetch({ offer, job }: { offer: PackOffer; job: PackJob | undefined }): JSX.Element {
  const { packs } = useApp()
  const language = useLanguage()
  if (job && job.error === undefined) {
    return (
      <>
        <ProgressLine progress={job.progress} />
        <button type="button" class="button" onClick={() => packs.cancel(offer.name)}>
          <Picture name="close" />
          <span>{i18n.t('pack.stop')}</span>
        </button>
      </>
    )
  }
  const missing = formatBytes(offer.bytes - offer.have, language)
  const begun = offer.have > 0
  return (
    <>
      <p class="cost">{begun ? i18n.t('pack.rest', { size: missing }) : i18n.t('pack.cost', { size: missing })}</p>
      <button type="button" class="button primary" data-testid="install-pack" onClick={() => void packs.install(offer)}>
        <Picture name="download" />
        <span>{begun ? i18n.t('pack.continue') : i18n.t('pack.get')}</span>
      </button>
    </>
  )
}

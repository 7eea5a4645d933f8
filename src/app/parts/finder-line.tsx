import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import type { PackOffer } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { formatBytes } from '../format.ts'
import { useLanguage, useValue } from '../use-value.ts'
import { Failure, Notice } from './notice.tsx'
import { ProgressLine } from './progress-line.tsx'

interface FinderLineProps {
  offer: PackOffer
  /** What of its cost that is; else what follows from it where it is missing. */
  along?: boolean
}

/** Of a pack that needs another one to hide faces. */
export function FinderLine({ offer, along = false }: FinderLineProps): JSX.Element | null {
  const language = useLanguage()
  const { state, update, finder } = offer
  const missing = finder?.ready === false ? finder : undefined
  if (!along) return state === 'ready' && missing ? <Missing finder={missing} /> : null
  const bytes = state === 'ready' ? update?.finder : missing?.bytes
  return bytes === undefined ? null : (
    <p data-testid="finder-along" data-bytes={bytes}>
      {i18n.t('faces.along', { size: formatBytes(bytes, language) })}
    </p>
  )
}

function Missing({ finder: { name, bytes } }: { finder: NonNullable<PackOffer['finder']> }): JSX.Element {
  const { packs } = useApp()
  const language = useLanguage()
  const found = useValue(packs.offers)?.find((one) => one.name === name)
  const job = useValue(packs.jobs)[name]
  const isComing = job !== undefined && job.error === undefined
  return (
    <div data-testid="finder-missing">
      <Notice
        picture="warning"
        title={i18n.t('faces.missing')}
        text={found ? i18n.t('faces.missing.text') : i18n.t('faces.nowhere')}
      >
        {isComing && <ProgressLine progress={job.progress} />}
        {job?.error !== undefined && <Failure error={job.error} />}
        {!isComing && found && bytes !== undefined && (
          <button type="button" class="button" data-testid="get-finder" onClick={() => void packs.install(found)}>
            {i18n.t('faces.get', { size: formatBytes(bytes, language) })}
          </button>
        )}
      </Notice>
    </div>
  )
}

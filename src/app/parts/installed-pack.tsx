import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { PackOffer } from '../../client/kit.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { formatBytes } from '../format.ts'
import { useLanguage } from '../use-value.ts'
import { handOn } from './hand-on.ts'
import { lazyScreen } from './lazy-screen.tsx'
import { Failure } from './notice.tsx'
import { TaughtLine, TaughtNeeds } from './taught-by.tsx'

const PackClips = lazyScreen<{ pack: string }>(async () => (await import('../clips/clips.ts')).PackClips)

/** Taking a pack away costs its download again, so it is asked twice. */
export function InstalledPack({ offer }: { offer: PackOffer }): JSX.Element {
  const { kit, packs } = useApp()
  const language = useLanguage()
  const [asked, setAsked] = useState(false)
  const [error, setError] = useState<unknown>()
  const remove = (): void => {
    packs.remove(offer.name).catch(setError)
  }
  const share = (): void => {
    kit.packs.exportFile(offer.name).then(handOn).catch(setError)
  }
  return (
    <div class="installed" data-testid={`installed-${offer.name}`}>
      <p>
        <strong>{localised(offer.title, language)}</strong>
        <span class="small">
          {i18n.t('settings.pack', { version: offer.version, size: formatBytes(offer.have, language) })}
        </span>
      </p>
      {offer.recorded && <PackClips pack={offer.name} />}
      {offer.taught && <TaughtLine taught={offer.taught} />}
      {offer.taught && <TaughtNeeds taught={offer.taught} />}
      {asked ? (
        <div class="actions">
          <p>{i18n.t('settings.remove.ask', { size: formatBytes(offer.bytes, language) })}</p>
          <button type="button" class="button" onClick={remove}>
            {i18n.t('settings.remove.yes')}
          </button>
          <button type="button" class="button quiet" onClick={() => setAsked(false)}>
            {i18n.t('settings.remove.no')}
          </button>
        </div>
      ) : (
        <div class="actions">
          {offer.state === 'ready' && (
            <button type="button" class="button" onClick={share} data-testid="share-pack">
              {i18n.t('pack.share')}
            </button>
          )}
          <button type="button" class="button quiet" onClick={() => setAsked(true)}>
            {i18n.t('settings.remove')}
          </button>
        </div>
      )}
      {error !== undefined && <Failure error={error} />}
    </div>
  )
}

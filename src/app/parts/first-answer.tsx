import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import type { HistoryEntry, PackOffer } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { formatBytes } from '../format.ts'
import { isGrowing } from '../state/packs.ts'
import { useLanguage, useValue } from '../use-value.ts'
import { Notice } from './notice.tsx'
import { ProgressLine } from './progress-line.tsx'

/** Under an answer that a smaller model gave because the link was slow: how far the better one is, and once it is here, it. */
export function FirstAnswer({ body, offer }: { body: HistoryEntry['body']; offer: PackOffer }): JSX.Element | null {
  const { kit, packs, attempts } = useApp()
  const language = useLanguage()
  const job = useValue(packs.jobs)[offer.name]
  if (!offer.first?.includes(body.variant)) return null
  const coming = isGrowing(offer)
  const size = formatBytes(offer.update?.bytes ?? 0, language)
  const still = job ? i18n.t('answer.first') : i18n.t('pack.better', { size })
  const kept = body.attachments.find(({ role }) => role === 'input')
  async function askAgain(): Promise<void> {
    const given = kept && (await kit.records.attachment(kept.sha256))
    if (given) await attempts.begin(offer.name, given.slice(0, given.size, kept.type))
  }
  return (
    <div data-testid="first-answer" data-coming={coming}>
      <Notice picture="download" title={coming ? still : i18n.t('answer.first.here')}>
        {coming && job && job.error === undefined && <ProgressLine progress={job.progress} />}
        {coming && !job && (
          <button type="button" class="button" data-testid="get-better" onClick={() => void packs.install(offer)}>
            {i18n.t('pack.continue')}
          </button>
        )}
        {!coming && kept && (
          <button type="button" class="button" data-testid="ask-again" onClick={() => void askAgain()}>
            {i18n.t('answer.first.again')}
          </button>
        )}
      </Notice>
    </div>
  )
}

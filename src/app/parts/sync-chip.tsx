import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { whenCalm } from '../../client/calm.ts'
import { useApp } from '../context.ts'
import { formatNumber } from '../format.ts'
import { Picture } from '../pictures.tsx'
import { syncSummary } from '../sync-words.ts'
import { useCome, useLanguage, useValue } from '../use-value.ts'

let calm = false

/** When the start of the page is over. Words that count load rules for plurals: on a slow phone a tenth of a second. */
async function calmDown(): Promise<void> {
  await whenCalm()
  calm = true
}

/** How far everything has got, on every screen; the way to the whole story. */
export function SyncChip(): JSX.Element {
  const language = useLanguage()
  const status = useValue(useApp().kit.sync.status)
  const inWords = useCome(calmDown, calm)
  const { state, text, count } = syncSummary(status)
  return (
    <a
      class="chip"
      href="#/sync"
      data-testid="sync-state"
      data-state={state}
      data-local={status.local}
      data-held={status.held}
      data-final={status.final}
      data-running={status.running}
    >
      {/* Not its label: where the words say "two", a label would lack the figure that is seen. */}
      <span class="unseen">{inWords ? `${i18n.t('nav.sync')}: ${text()}` : i18n.t('nav.sync')}</span>
      <Picture name={state === 'empty' ? 'send' : state} />
      {count > 0 && <span aria-hidden="true">{formatNumber(count, language)}</span>}
    </a>
  )
}

import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { DataUse } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { explainCode } from '../explain.ts'
import { formatBytes, formatNumber } from '../format.ts'
import { formatWhen } from '../format-when.ts'
import { handOn } from '../parts/hand-on.ts'
import { Failure, Notice } from '../parts/notice.tsx'
import { Screen } from '../parts/screen.tsx'
import { Unseen } from '../parts/unseen.tsx'
import { Picture } from '../pictures.tsx'
import { hrefOf } from '../routes.ts'
import { syncSummary } from '../sync-words.ts'
import { useLanguage, useValue } from '../use-value.ts'

/** What is only here, what a hub holds, what has arrived; and the one button that may help. */
export function SyncScreen(): JSX.Element {
  const { kit, announce } = useApp()
  const language = useLanguage()
  const status = useValue(kit.sync.status)
  const [error, setError] = useState<unknown>()
  const { state, text } = syncSummary(status)
  const photos = status.blobsWaiting - status.blobsUnseen

  async function send(unseen: readonly string[] = []): Promise<void> {
    setError(undefined)
    try {
      await kit.records.seen(unseen)
      announce(syncSummary(await kit.sync.now({ photos: true })).text())
    } catch (reason) {
      setError(reason)
    }
  }

  const carry = (): void => {
    setError(undefined)
    kit.sync.exportFile().then(handOn).catch(setError)
  }

  const places = [
    ['local', status.local, i18n.t('sync.row.local')],
    ['held', status.held, i18n.t('sync.row.held')],
    ['final', status.final, i18n.t('sync.row.final')],
  ] as const
  return (
    <Screen title={i18n.t('nav.sync')}>
      <section class={`answer ${state === 'final' || state === 'empty' ? 'sure' : 'unsure'}`}>
        <Picture name={state === 'empty' ? 'send' : state} />
        <div>
          <p class="word">{text()}</p>
          <p class="how">{i18n.t('sync.safe')}</p>
        </div>
      </section>
      <ol class="road" data-unseen={status.blobsUnseen}>
        {places.map(([place, count, name]) => (
          <li key={place} data-testid={`sync-${place}`} data-count={count}>
            <Picture name={place} />
            <strong>{formatNumber(count, language)}</strong>
            <span>{name}</span>
          </li>
        ))}
      </ol>
      {photos > 0 && <p class="lead">{i18n.t('sync.photos', { count: photos })}</p>}
      <Unseen status={status} onSend={(ids) => void send(ids)} />
      <button
        type="button"
        class="button primary"
        disabled={status.running}
        onClick={() => void send()}
        data-testid="send-now"
      >
        <Picture name="send" />
        <span>{status.running ? i18n.t('sync.sending') : i18n.t('sync.send')}</span>
      </button>
      {state !== 'empty' && (
        <button type="button" class="button" onClick={carry} data-testid="carry">
          <Picture name="file" />
          <span>{i18n.t('sync.carry')}</span>
        </button>
      )}
      <p class="small">
        {status.lastContact === undefined
          ? i18n.t('sync.never')
          : i18n.t('sync.last', { when: formatWhen(status.lastContact, Date.now(), language) })}
      </p>
      <DataToday />
      {error !== undefined && <Failure error={error} />}
      {error === undefined && status.lastError !== undefined && !status.running && (
        <LastError code={status.lastError} />
      )}
    </Screen>
  )
}

/** What packs have cost, and may cost: answers are always sent, they weigh next to nothing. */
function DataToday(): JSX.Element | null {
  const { kit } = useApp()
  const language = useLanguage()
  const [use, setUse] = useState<DataUse>()
  useEffect(() => {
    kit.packs.usage().then(setUse, () => undefined)
  }, [])
  if (!use) return null
  const { today, month, perDay, perMonth } = use
  const size = (bytes: number): string => formatBytes(bytes, language)
  return (
    <section data-testid="data-today" data-today={today} data-limit={perDay ?? perMonth}>
      <h2 class="section">{i18n.t('data.title')}</h2>
      <p>{i18n.t('data.use', { today: size(today), month: size(month) })}</p>
      {perDay !== undefined && <p>{i18n.t('data.per-day', { size: size(perDay) })}</p>}
      {perMonth !== undefined && <p>{i18n.t('data.per-month', { size: size(perMonth) })}</p>}
      <a class="button quiet" href={hrefOf({ screen: 'packs' })} data-testid="data-change">
        {i18n.t('packs.title')}
      </a>
    </section>
  )
}

/** The kit keeps trying by itself, so this is news, not an alarm. */
function LastError({ code }: { code: string }): JSX.Element {
  const { title, advice } = explainCode(code)
  return (
    <Notice picture="warning" title={title} text={advice}>
      <p class="small">{i18n.t('error.code', { code })}</p>
    </Notice>
  )
}

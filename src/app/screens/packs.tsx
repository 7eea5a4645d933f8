import { i18n } from '@lingui/core'
import type { JSX, TargetedEvent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { DataUse } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { formatBytes } from '../format.ts'
import { Choices } from '../parts/choices.tsx'
import { InstalledPack } from '../parts/installed-pack.tsx'
import { Failure } from '../parts/notice.tsx'
import { Screen } from '../parts/screen.tsx'
import { useLanguage, useValue } from '../use-value.ts'

/** Bytes a day and a month; 0 stands for no limit. */
const DAY_LIMITS = [0, 1e6, 5e6, 20e6]
const LIMITS = [0, 5e6, 20e6, 100e6]

/** What packs are here and what they cost: in data, in room, and how to hand them on without either. */
export function PacksScreen(): JSX.Element {
  const { packs } = useApp()
  const here = (useValue(packs.offers) ?? []).filter(({ state }) => state !== 'absent')
  return (
    <Screen title={i18n.t('packs.title')} inner>
      {here.map((offer) => (
        <InstalledPack key={offer.name} offer={offer} />
      ))}
      <FromFile />
      <button type="button" class="button quiet" onClick={() => void packs.check()} data-testid="check-packs">
        {i18n.t('packs.check')}
      </button>
      <Data />
    </Screen>
  )
}

function Data(): JSX.Element | null {
  const { kit } = useApp()
  const language = useLanguage()
  const [use, setUse] = useState<DataUse>()
  const [error, setError] = useState<unknown>()
  const read = (): Promise<void> => kit.packs.usage().then(setUse, setError)
  // Once, when the screen opens.
  useEffect(() => void read(), [])
  if (error !== undefined) return <Failure error={error} />
  if (!use) return null
  const { perDay = 0, perMonth = 0, unmeteredOnly = false } = use
  const now = { perDay, perMonth, unmeteredOnly }
  const allow = (change: Partial<typeof now>): void => {
    const { perDay, perMonth, unmeteredOnly } = { ...now, ...change }
    const limits = { ...(perDay > 0 && { perDay }), ...(perMonth > 0 && { perMonth }) }
    kit.packs.setBudget({ ...limits, unmeteredOnly }).then(read, setError)
  }
  const limits = (sizes: readonly number[]) =>
    sizes.map((value) => ({ value, text: value === 0 ? i18n.t('data.unlimited') : formatBytes(value, language) }))
  return (
    <section class="actions">
      <h2 class="section">{i18n.t('data.title')}</h2>
      <p data-testid="data-use" data-today={use.today} data-month={use.month}>
        {i18n.t('data.use', { today: formatBytes(use.today, language), month: formatBytes(use.month, language) })}
      </p>
      {use.free !== undefined && <p>{i18n.t('data.room', { size: formatBytes(use.free, language) })}</p>}
      <Choices
        pairs
        name="budget-day"
        legend={i18n.t('data.limit-day')}
        value={perDay}
        choices={limits(DAY_LIMITS)}
        onChoose={(most) => allow({ perDay: most })}
      />
      <Choices
        pairs
        name="budget"
        legend={i18n.t('data.limit')}
        value={perMonth}
        choices={limits(LIMITS)}
        onChoose={(most) => allow({ perMonth: most })}
      />
      <label class="choice">
        <input
          type="checkbox"
          checked={unmeteredOnly}
          onChange={({ currentTarget }) => allow({ unmeteredOnly: currentTarget.checked })}
          data-testid="free-only"
        />
        <span>{i18n.t('data.free-only')}</span>
      </label>
    </section>
  )
}

function FromFile(): JSX.Element {
  const { packs } = useApp()
  const error = useValue(packs.fileError)
  const choose = (event: TargetedEvent<HTMLInputElement>): void => {
    const input = event.currentTarget
    const file = input.files?.[0]
    input.value = ''
    if (file) void packs.importFile(file)
  }
  return (
    <>
      <label class="button">
        {/* No `accept`: phones grey out what they have no type for. */}
        <input type="file" data-testid="import-pack" onChange={choose} />
        <span>{i18n.t('packs.from-file')}</span>
      </label>
      {error !== undefined && <Failure error={error} />}
    </>
  )
}

import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { PackOffer } from '../../client/kit.ts'
import { localised } from '../../protocol/primitives.ts'
import type { RecordState } from '../../protocol/record.ts'
import { Picture } from '../pictures.tsx'
import { ANYTHING, isAnything, type Wanted } from '../state/find.ts'
import { stateName } from '../sync-words.ts'
import { useLanguage } from '../use-value.ts'

interface FinderProps {
  wanted: Wanted
  offers: readonly PackOffer[]
  onChange(wanted: Wanted): void
}

const STATES: readonly RecordState[] = ['local', 'held', 'final']

/** A word to look for; whoever wants more opens the rest. */
export function Finder({ wanted, offers, onChange }: FinderProps): JSX.Element {
  const language = useLanguage()
  const [open, setOpen] = useState(!isAnything({ ...wanted, text: '' }))
  const change = (patch: Partial<Wanted>): void => onChange({ ...wanted, ...patch })
  return (
    <search class="finder">
      <label class="field">
        <span>{i18n.t('find.text')}</span>
        <input
          type="search"
          data-testid="find-text"
          value={wanted.text}
          onInput={({ currentTarget }) => change({ text: currentTarget.value })}
        />
      </label>
      <button type="button" class="button" aria-expanded={open} data-testid="find-more" onClick={() => setOpen(!open)}>
        <Picture name="settings" />
        <span>{i18n.t('find.more')}</span>
      </button>
      {open && (
        <>
          {offers.length > 1 && (
            <label class="field">
              <span>{i18n.t('find.pack')}</span>
              <select
                data-testid="find-pack"
                value={wanted.pack}
                onChange={({ currentTarget }) => change({ pack: currentTarget.value })}
              >
                <option value="">{i18n.t('find.any')}</option>
                {offers.map(({ name, title }) => (
                  <option key={name} value={name}>
                    {localised(title, language)}
                  </option>
                ))}
              </select>
            </label>
          )}
          <label class="field">
            <span>{i18n.t('find.state')}</span>
            <select
              data-testid="find-state"
              value={wanted.state}
              onChange={({ currentTarget }) => change({ state: currentTarget.value as Wanted['state'] })}
            >
              <option value="">{i18n.t('find.any')}</option>
              {STATES.map((state) => (
                <option key={state} value={state}>
                  {stateName(state)}
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>{i18n.t('find.day')}</span>
            <input
              type="date"
              data-testid="find-day"
              value={wanted.day}
              onChange={({ currentTarget }) => change({ day: currentTarget.value })}
            />
          </label>
          <label class="choice">
            <input
              type="checkbox"
              data-testid="find-unsure"
              checked={wanted.unsure}
              onChange={({ currentTarget }) => change({ unsure: currentTarget.checked })}
            />
            <span>{i18n.t('find.unsure')}</span>
          </label>
        </>
      )}
      {!isAnything(wanted) && (
        <button type="button" class="button quiet" data-testid="find-clear" onClick={() => onChange(ANYTHING)}>
          {i18n.t('find.clear')}
        </button>
      )}
    </search>
  )
}

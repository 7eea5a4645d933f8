import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { PackOffer } from '../../client/kit.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { formatBytes, formatPercent } from '../format.ts'
import { LANGUAGES } from '../language.ts'
import { Failure } from '../parts/notice.tsx'
import { Screen } from '../parts/screen.tsx'
import { hrefOf } from '../routes.ts'
import { TEXT_SIZES, THEMES, type Theme } from '../state/preferences.ts'
import { useLanguage, useValue } from '../use-value.ts'

const themeName = (theme: Theme): string => {
  if (theme === 'auto') return i18n.t('theme.auto')
  if (theme === 'light') return i18n.t('theme.light')
  return theme === 'dark' ? i18n.t('theme.dark') : i18n.t('theme.sunlight')
}

export function SettingsScreen(): JSX.Element {
  const { preferences, packs } = useApp()
  const { language, theme, textSize } = useValue(preferences.value)
  const here = (useValue(packs.offers) ?? []).filter(({ state }) => state !== 'absent')
  return (
    <Screen title={i18n.t('nav.settings')}>
      <Choices
        pairs
        name="language"
        legend={i18n.t('settings.language')}
        value={language}
        choices={Object.entries(LANGUAGES).map(([code, { name }]) => ({ value: code, text: name, lang: code }))}
        onChoose={(value) => preferences.set({ language: value })}
      />
      <Choices
        pairs
        name="theme"
        legend={i18n.t('settings.theme')}
        value={theme}
        choices={THEMES.map((value) => ({ value, text: themeName(value) }))}
        onChoose={(value) => preferences.set({ theme: value })}
      />
      <Choices
        pairs
        name="text-size"
        legend={i18n.t('settings.text-size')}
        value={textSize}
        choices={TEXT_SIZES.map((value) => ({ value, text: formatPercent(value, language) }))}
        onChoose={(value) => preferences.set({ textSize: value })}
      />
      {here.length > 0 && (
        <section>
          <h2 class="section">{i18n.t('settings.packs')}</h2>
          {here.map((offer) => (
            <InstalledPack key={offer.name} offer={offer} />
          ))}
        </section>
      )}
      <a class="button quiet" href={hrefOf({ screen: 'about' })} data-testid="nav-about">
        {i18n.t('about.title')}
      </a>
    </Screen>
  )
}

interface ChoicesProps<T extends string | number> {
  /** Short choices may stand side by side. */
  pairs?: boolean
  name: string
  legend: string
  value: T
  choices: readonly { value: T; text: string; lang?: string }[]
  onChoose(value: T): void
}

function Choices<T extends string | number>({
  pairs = false,
  name,
  legend,
  value,
  choices,
  onChoose,
}: ChoicesProps<T>): JSX.Element {
  return (
    <fieldset class={pairs ? 'choices pairs' : 'choices'}>
      <legend class="section">{legend}</legend>
      {choices.map((choice) => (
        <label key={choice.value} class="choice" lang={choice.lang}>
          <input
            type="radio"
            name={name}
            checked={choice.value === value}
            onChange={() => onChoose(choice.value)}
            data-testid={`${name}-${choice.value}`}
          />
          <span>{choice.text}</span>
        </label>
      ))}
    </fieldset>
  )
}

/** Taking a pack away costs its download again, so it is asked twice. */
function InstalledPack({ offer }: { offer: PackOffer }): JSX.Element {
  const { packs } = useApp()
  const language = useLanguage()
  const [asked, setAsked] = useState(false)
  const [error, setError] = useState<unknown>()
  const remove = (): void => {
    packs.remove(offer.name).catch(setError)
  }
  return (
    <div class="installed">
      <p>
        <strong>{localised(offer.title, language)}</strong>
        <span class="small">
          {i18n.t('settings.pack', { version: offer.version, size: formatBytes(offer.have, language) })}
        </span>
      </p>
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
        <button type="button" class="button quiet" onClick={() => setAsked(true)}>
          {i18n.t('settings.remove')}
        </button>
      )}
      {error !== undefined && <Failure error={error} />}
    </div>
  )
}

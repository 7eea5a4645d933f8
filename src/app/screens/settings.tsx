import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useApp } from '../context.ts'
import { formatPercent } from '../format-percent.ts'
import { LANGUAGES } from '../language.ts'
import { Choices } from '../parts/choices.tsx'
import { Screen } from '../parts/screen.tsx'
import { Picture } from '../pictures.tsx'
import { hrefOf } from '../routes.ts'
import { TEXT_SIZES, THEMES, type Theme } from '../state/preferences.ts'
import { useValue } from '../use-value.ts'

const themeName = (theme: Theme): string => {
  if (theme === 'auto') return i18n.t('theme.auto')
  if (theme === 'light') return i18n.t('theme.light')
  return theme === 'dark' ? i18n.t('theme.dark') : i18n.t('theme.sunlight')
}

export function SettingsScreen(): JSX.Element {
  const { preferences } = useApp()
  const { language, theme, textSize } = useValue(preferences.value)
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
      <PlaceChoice />
      <a class="button" href={hrefOf({ screen: 'people' })} data-testid="nav-people">
        <Picture name="person" />
        <span>{i18n.t('people.title')}</span>
      </a>
      <a class="button" href={hrefOf({ screen: 'lock' })} data-testid="nav-lock">
        <Picture name="lock" />
        <span>{i18n.t('lock.title')}</span>
      </a>
      <a class="button" href={hrefOf({ screen: 'packs' })} data-testid="nav-packs">
        {i18n.t('packs.title')}
      </a>
      <a class="button" href={hrefOf({ screen: 'device' })} data-testid="nav-device">
        {i18n.t('device.title')}
      </a>
      <a class="button" href={hrefOf({ screen: 'teach' })} data-testid="nav-teach">
        {i18n.t('teach.title')}
      </a>
      <a class="button quiet" href={hrefOf({ screen: 'how' })} data-testid="nav-how">
        {i18n.t('how.title')}
      </a>
      <a class="button quiet" href={hrefOf({ screen: 'about' })} data-testid="nav-about">
        {i18n.t('about.title')}
      </a>
    </Screen>
  )
}

/** Off until somebody says so; a phone that does not allow it is told about once, and nothing else changes. */
function PlaceChoice(): JSX.Element {
  const { preferences, places, announce } = useApp()
  const { place } = useValue(preferences.value)
  const [found, setFound] = useState<'found' | 'refused' | 'unknown'>()
  async function choose(wanted: boolean): Promise<void> {
    preferences.set({ place: wanted })
    setFound(undefined)
    if (!wanted) return
    const now = await (await places()).check()
    setFound(now)
    announce(placeText(now))
  }
  return (
    <section>
      <Choices
        pairs
        name="place"
        legend={i18n.t('place.legend')}
        value={place ? 'on' : 'off'}
        choices={[
          { value: 'off', text: i18n.t('place.off') },
          { value: 'on', text: i18n.t('place.on') },
        ]}
        onChoose={(value) => void choose(value === 'on')}
      />
      <p class="small" data-testid="place-state" data-state={found}>
        {place && found ? placeText(found) : i18n.t('place.text')}
      </p>
    </section>
  )
}

function placeText(found: 'found' | 'refused' | 'unknown'): string {
  if (found === 'found') return i18n.t('place.found')
  return found === 'refused' ? i18n.t('place.refused') : i18n.t('place.unknown')
}

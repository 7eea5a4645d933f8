import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useApp } from '../context.ts'
import { Picture, type PictureName } from '../pictures.tsx'
import { hrefOf, type Route } from '../routes.ts'
import { useValue } from '../use-value.ts'

type Place = Extract<Route, { screen: 'home' | 'history' | 'sync' | 'settings' }>

export function NavBar(): JSX.Element {
  const { screen } = useValue(useApp().navigation.route)
  const places: readonly (readonly [Place, PictureName, string])[] = [
    [{ screen: 'home' }, 'jiko', i18n.t('nav.home')],
    [{ screen: 'history' }, 'history', i18n.t('nav.history')],
    [{ screen: 'sync' }, 'send', i18n.t('nav.sync')],
    [{ screen: 'settings' }, 'settings', i18n.t('nav.settings')],
  ]
  return (
    <nav class="places" aria-label={i18n.t('nav.label')}>
      {places.map(([route, picture, name]) => (
        <a
          key={route.screen}
          href={hrefOf(route)}
          data-testid={`nav-${route.screen}`}
          aria-current={screen === route.screen ? 'page' : undefined}
        >
          <Picture name={picture} />
          <span>{name}</span>
        </a>
      ))}
    </nav>
  )
}

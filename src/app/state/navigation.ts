import { createSignal, type Signal } from '../../client/signal.ts'
import { hrefOf, parseRoute, type Route } from '../routes.ts'

export interface Navigation {
  readonly route: Signal<Route>
  /** False until the first change of screen: the page's own start must not steal the focus. */
  readonly moved: boolean
  go(route: Route): void
  /** Takes the place of the current entry: Back then leads to where the person was before the task. */
  replace(route: Route): void
  /** To where the person came from, or home when the app was opened here. */
  back(): void
}

/** Marks entries that the app itself pushed: behind them there is a page of ours to go back to. */
const INNER = { jiko: 'inner' }

export function createNavigation(window: Window): Navigation {
  const route = createSignal(parseRoute(window.location.hash))
  let moved = false
  const read = (): void => {
    const next = parseRoute(window.location.hash)
    if (hrefOf(next) === hrefOf(route.value)) return
    moved = true
    route.set(next)
  }
  window.addEventListener('popstate', read)
  window.addEventListener('hashchange', read)

  const replace = (to: Route): void => {
    window.history.replaceState(window.history.state, '', hrefOf(to))
    read()
  }
  return {
    route,
    get moved() {
      return moved
    },
    replace,
    go(to) {
      if (hrefOf(to) === hrefOf(route.value)) return
      window.history.pushState(INNER, '', hrefOf(to))
      read()
    },
    back() {
      if (window.history.state?.jiko === INNER.jiko) window.history.back()
      else replace({ screen: 'home' })
    },
  }
}

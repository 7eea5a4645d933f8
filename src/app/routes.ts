/** Where in the app a person is. The hash holds it, so the app works from any sub-path and Back does what it says. */
export type Route =
  | { screen: 'home' }
  | { screen: 'capture'; pack: string }
  | { screen: 'answer'; record: string }
  | { screen: 'history' }
  | { screen: 'sync' }
  | { screen: 'settings' }
  | { screen: 'packs' }
  | { screen: 'about' }
  | { screen: 'batch' }
  | { screen: 'people' }
  | { screen: 'lock' }
  | { screen: 'device' }
  | { screen: 'teach' }
  | { screen: 'lesson'; lesson: string }
  | { screen: 'how' }
  /** An invitation to a programme; the rest of its link, which no server has seen. */
  | { screen: 'enrol'; invitation: string }

const PLAIN = [
  'history',
  'sync',
  'settings',
  'packs',
  'about',
  'batch',
  'people',
  'lock',
  'device',
  'teach',
  'how',
] as const

/** Anything unknown is home: an old link must never show a broken page. */
export function parseRoute(hash: string): Route {
  const [head = '', ...rest] = hash.replace(/^#?\/?/, '').split('/')
  const tail = rest.join('/')
  if (head === 'capture' && /^[a-z0-9][a-z0-9-]*$/.test(tail)) return { screen: 'capture', pack: tail }
  if (head === 'record' && /^[a-z2-7]{16}\/[1-9]\d*$/.test(tail)) return { screen: 'answer', record: tail }
  if (head === 'lesson' && /^[a-z2-7]{16}$/.test(tail)) return { screen: 'lesson', lesson: tail }
  if (head === 'enrol' && tail !== '' && tail.length < 600) return { screen: 'enrol', invitation: tail }
  const screen = PLAIN.find((name) => name === head)
  return screen && tail === '' ? { screen } : { screen: 'home' }
}

export function hrefOf(route: Route): string {
  switch (route.screen) {
    case 'home':
      return '#/'
    case 'capture':
      return `#/capture/${route.pack}`
    case 'answer':
      return `#/record/${route.record}`
    case 'lesson':
      return `#/lesson/${route.lesson}`
    case 'enrol':
      return `#enrol/${route.invitation}`
    default:
      return `#/${route.screen}`
  }
}

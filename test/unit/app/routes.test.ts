import { describe, expect, it } from 'vitest'
import { hrefOf, parseRoute, type Route } from '../../../src/app/routes.ts'

const ROUTES: readonly Route[] = [
  { screen: 'home' },
  { screen: 'capture', pack: 'coffee-leaf' },
  { screen: 'answer', record: 'abcdefghijklmnop/12' },
  { screen: 'history' },
  { screen: 'sync' },
  { screen: 'settings' },
  { screen: 'about' },
  { screen: 'enrol', invitation: 'default/AAAAAAAAAAAAAAAAAAAAAA/BBBBBBBBBBBBBBBBBBBBBB/sender/mv1x2y3z' },
]

describe('routes', () => {
  it.each(ROUTES)('reads back what it wrote: %o', (route) => {
    expect(parseRoute(hrefOf(route))).toEqual(route)
  })

  it.each([
    '',
    '#',
    '#/nowhere',
    '#/history/3',
    '#/capture/',
    '#/capture/../../etc',
    '#/capture/<b>',
    '#/record/abcdefghijklmnop',
    '#/record/ABCDEFGHIJKLMNOP/1',
    '#/record/abcdefghijklmnop/0',
    '#/constructor',
    '#enrol/',
    `#enrol/${'x'.repeat(600)}`,
  ])('shows home for %s', (hash) => {
    expect(parseRoute(hash)).toEqual({ screen: 'home' })
  })
})

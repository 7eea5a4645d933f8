import { describe, expect, it } from 'vitest'
import { pseudo } from '../../helpers/fake-app/pseudo.ts'

describe('the pseudo-locale', () => {
  it('stretches words and leaves the holes', () => {
    expect(pseudo(['Version ', ['version'], ' is here'])).toEqual([
      '⟦',
      'Véeršsíióoñn ',
      ['version'],
      ' íišs héerée',
      '⟧',
    ])
    expect(pseudo('Back')).toEqual(['⟦', 'Báack', '⟧'])
  })

  it('stretches every plural', () => {
    expect(pseudo([['count', 'plural', { one: ['#', ' photo'], other: ['#', ' photos'] }]])).toEqual([
      '⟦',
      ['count', 'plural', { one: ['#', ' phóotóo'], other: ['#', ' phóotóošs'] }],
      '⟧',
    ])
  })

  it('makes a text about 40 % longer', () => {
    const text = 'What has arrived is kept. Try again when there is network.'
    const [, longer] = pseudo([text]) as string[]
    expect((longer?.length ?? 0) / text.length).toBeGreaterThan(1.35)
  })
})

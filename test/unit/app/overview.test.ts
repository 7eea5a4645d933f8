import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pagesOf } from '../../../src/app/state/find.ts'
import { countByDay, layOutPlaces, overviewOf, roundLength } from '../../../src/app/state/overview.ts'
import { createFakeKit } from '../../helpers/fake-kit.ts'

const NOW = new Date(2026, 2, 2, 9).getTime()
const at = (month: number, day: number): number => new Date(2026, month, day, 23, 30).getTime()

describe('answers by day', () => {
  it('count each day of the last ones, the empty ones too, over the end of a month', () => {
    const days = countByDay(
      [
        { wall: at(2, 2), sure: true },
        { wall: at(2, 2), sure: false },
        { wall: at(1, 27), sure: true },
        { wall: at(1, 1), sure: true },
        // A clock that is ahead.
        { wall: at(5, 1), sure: true },
      ],
      NOW,
      5,
    )
    expect(days.map(({ sure, unsure }) => [sure, unsure])).toEqual([
      [0, 0],
      [1, 0],
      [0, 0],
      [0, 0],
      [1, 1],
    ])
  })
})

describe('a map of points', () => {
  it('is none without a place', () => expect(layOutPlaces([])).toBeUndefined())

  it('has one place in the middle, and does not blow it up', () => {
    const map = layOutPlaces([{ latitude: -1.3, longitude: 36.8 }])
    expect(map).toMatchObject({ points: [{ x: 0.5, y: 0.5, count: 1 }], metres: 250 })
  })

  it('has north above, east to the right, and says how wide it is', () => {
    const map = layOutPlaces([
      { latitude: 0, longitude: 10 },
      { latitude: 0.01, longitude: 10.02 },
    ])
    const [a, b] = map?.points ?? []
    expect(b?.x).toBeGreaterThan(a?.x ?? 1)
    expect(b?.y).toBeLessThan(a?.y ?? 0)
    expect(map?.metres).toBeCloseTo(0.02 * 111_320 * 1.25, -1)
  })

  it('holds every point once, within its frame, wherever on earth', () => {
    const place = fc.record({
      latitude: fc.double({ min: -90, max: 90, noNaN: true }),
      longitude: fc.double({ min: -180, max: 180, noNaN: true }),
    })
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 40 }), (places) => {
        const map = layOutPlaces(places)
        expect(map?.points.reduce((sum, { count }) => sum + count, 0)).toBe(places.length)
        for (const { x, y } of map?.points ?? []) {
          expect(Math.min(x, y)).toBeGreaterThanOrEqual(0)
          expect(Math.max(x, y)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  it('counts as one what is close together, also over the date line', () => {
    const map = layOutPlaces([
      { latitude: 1, longitude: 179.9999 },
      { latitude: 1, longitude: -179.9999 },
      { latitude: 1.05, longitude: 179.99 },
    ])
    expect(map?.points.map(({ count }) => count).sort()).toEqual([1, 2])
    expect(map?.metres).toBeLessThan(10_000)
  })

  it.each([
    [250, 50],
    [3000, 1000],
    [1_000_000, 200_000],
  ])('of %s m has a scale of %s m', (metres, length) => expect(roundLength(metres)).toBe(length))
})

describe('the overview', () => {
  it('sees all pages', async () => {
    const place = { latitude: 1, longitude: 2 }
    const { records } = createFakeKit({
      now: () => NOW,
      history: Array.from({ length: 5 }, () => ({ label: 'rust', score: 0.9, state: 'local', place, daysAgo: 0 })),
    })
    const overview = await overviewOf(pagesOf(records.list, { size: 2 }), NOW, () => true)
    expect(overview.days.at(-1)?.sure).toBe(5)
    expect(overview.places?.points).toMatchObject([{ count: 5 }])
  })
})

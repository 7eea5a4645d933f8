import { expect, it } from 'vitest'
import { type CanaryPlace, checkCanaries } from '../../../src/store/canaries.ts'

function createPlace(name: string): CanaryPlace & { mark: string | undefined; broken: boolean; full: boolean } {
  const place = {
    name,
    mark: undefined as string | undefined,
    broken: false,
    full: false,
    async read() {
      if (place.broken) throw new Error('SecurityError')
      return place.mark
    },
    async write(id: string) {
      if (place.full) throw new Error('QuotaExceededError')
      place.mark = id
    },
  }
  return place
}

it('is quiet on a new install and as long as nothing is lost', async () => {
  const places = [createPlace('indexeddb'), createPlace('caches')]
  expect(await checkCanaries(places)).toEqual([])
  expect(places[0]?.mark).toBe(places[1]?.mark)
  expect(await checkCanaries(places)).toEqual([])
})

it('names what was emptied, once', async () => {
  const [database, caches, local] = [createPlace('indexeddb'), createPlace('caches'), createPlace('localstorage')]
  const places = [database, caches, local]
  await checkCanaries(places)
  database.mark = undefined
  caches.mark = undefined
  expect(await checkCanaries(places)).toEqual(['indexeddb', 'caches'])
  expect(await checkCanaries(places)).toEqual([])
  expect(database.mark).toBe(local.mark)
})

it('does not take a place that cannot be read for an empty one, and lives with one that is full', async () => {
  const [database, caches] = [createPlace('indexeddb'), createPlace('caches')]
  await checkCanaries([database, caches])
  caches.broken = true
  expect(await checkCanaries([database, caches])).toEqual([])
  caches.broken = false
  database.mark = undefined
  database.full = true
  expect(await checkCanaries([database, caches])).toEqual(['indexeddb'])
  expect(await checkCanaries([database, caches])).toEqual(['indexeddb'])
})

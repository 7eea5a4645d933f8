import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createPlaces } from '../../../src/app/state/place.ts'

const coords = { latitude: -1.28, longitude: 36.8, accuracy: 14, altitude: 1700 } as GeolocationCoordinates

describe('where the phone is', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  type Found = (done: PositionCallback, failed: (error: { code: number }) => void) => void
  const answering = (found: Found) => {
    const getCurrentPosition = vi.fn((done, failed) => found(done, failed))
    return { getCurrentPosition } as unknown as Geolocation & { getCurrentPosition: typeof getCurrentPosition }
  }

  it('is said with how well it is known, and not asked again for a while', async () => {
    let clock = 0
    const source = answering((done) => done({ coords } as GeolocationPosition))
    const places = createPlaces(source, () => clock)
    expect(await places.now()).toEqual({ latitude: -1.28, longitude: 36.8, accuracy: 14 })
    clock = 60_000
    await places.now()
    expect(source.getCurrentPosition).toHaveBeenCalledTimes(1)
    clock = 200_000
    await places.now()
    expect(source.getCurrentPosition).toHaveBeenCalledTimes(2)
  })

  it('is left out where it is refused, and that is no error', async () => {
    const places = createPlaces(answering((_, failed) => failed({ code: 1 })))
    expect(await places.now()).toBeUndefined()
    expect(await places.check()).toBe('refused')
  })

  it('is left out where the phone has none', async () => {
    expect(await createPlaces(undefined).now()).toBeUndefined()
    expect(await createPlaces(undefined).check()).toBe('unknown')
  })

  it('holds no answer up: one that comes late is for the next', async () => {
    let found: (position: GeolocationPosition) => void = () => undefined
    const places = createPlaces(
      answering((done) => {
        found = done
      }),
      () => 0,
    )
    const first = places.now()
    await vi.advanceTimersByTimeAsync(3_100)
    expect(await first).toBeUndefined()
    found({ coords } as GeolocationPosition)
    await vi.advanceTimersByTimeAsync(0)
    expect(await places.now()).toMatchObject({ accuracy: 14 })
  })
})

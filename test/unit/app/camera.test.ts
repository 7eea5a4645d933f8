import { describe, expect, it } from 'vitest'
import { openCamera } from '../../../src/app/state/camera.ts'

interface FakeTrack {
  capabilities?: { torch?: boolean }
}

/** A phone's camera, and what was asked of it. */
function phone({ capabilities }: FakeTrack = {}) {
  const asked: unknown[] = []
  const track = {
    ...(capabilities && { getCapabilities: () => capabilities }),
    applyConstraints: async (constraints: unknown) => void asked.push(constraints),
    stop: () => void asked.push('stop'),
  }
  const stream = { getVideoTracks: () => [track], getTracks: () => [track] } as unknown as MediaStream
  return { asked, devices: { getUserMedia: async () => stream } }
}

describe('the camera in the app', () => {
  it('turns its light on and off where it has one, and stops', async () => {
    const { asked, devices } = phone({ capabilities: { torch: true } })
    const camera = await openCamera(devices)
    await camera.light?.(true)
    await camera.light?.(false)
    camera.stop()
    expect(asked).toEqual([{ advanced: [{ torch: true }] }, { advanced: [{ torch: false }] }, 'stop'])
  })

  it.each([[{ capabilities: {} }], [{}]])('offers no light where the track names none: %j', async (track) => {
    expect((await openCamera(phone(track).devices)).light).toBeUndefined()
  })

  it.each([
    ['NotAllowedError', 'input/camera-refused'],
    ['NotFoundError', 'input/no-camera'],
    ['NotReadableError', 'input/no-camera'],
  ])('%s of the browser is %s', async (name, code) => {
    const getUserMedia = () => Promise.reject(new DOMException('x', name))
    await expect(openCamera({ getUserMedia })).rejects.toMatchObject({ code })
  })

  it('is not there without HTTPS, and what nobody knows stays what it is', async () => {
    await expect(openCamera(undefined)).rejects.toMatchObject({ code: 'input/no-camera' })
    const strange = new DOMException('x', 'SecurityError')
    await expect(openCamera({ getUserMedia: () => Promise.reject(strange) })).rejects.toBe(strange)
  })
})

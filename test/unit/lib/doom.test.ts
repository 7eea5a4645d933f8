import { describe, expect, it } from 'vitest'
import { createDoom } from '../../../src/lib/doom.ts'

const never = (): Promise<never> => new Promise(() => undefined)

describe('a doom', () => {
  it('lets through what comes before it, and fails all that waits and all that comes later', async () => {
    const doom = createDoom()
    expect(await doom.guard(Promise.resolve(1))).toBe(1)
    await expect(doom.guard(Promise.reject(new Error('its own')))).rejects.toThrow('its own')
    const waiting = [doom.guard(never()), doom.guard(never())]
    doom.come(new Error('lost'))
    doom.come(new Error('lost again'))
    for (const one of [...waiting, doom.guard(never()), doom.guard(Promise.resolve(2))])
      await expect(one).rejects.toThrow(/^lost$/)
  })
})

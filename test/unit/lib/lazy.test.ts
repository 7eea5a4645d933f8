import { describe, expect, it } from 'vitest'
import { lazily } from '../../../src/lib/lazy.ts'

describe('what is loaded with its first call', () => {
  it('is not loaded before, and answers and fails as itself', async () => {
    let loads = 0
    const real = {
      held: 3,
      async add(more: number) {
        return this.held + more
      },
      fail: async () => Promise.reject(new Error('as itself')),
    }
    const late = lazily<Omit<typeof real, 'held'>>(async () => {
      loads += 1
      return real
    })
    expect(loads).toBe(0)
    expect(await late.add(4)).toBe(7)
    expect(loads).toBe(1)
    await expect(late.fail()).rejects.toThrow('as itself')
  })

  it('says why it could not be loaded, and is tried again', async () => {
    let here = false
    const late = lazily<{ say(): Promise<string> }>(async () => {
      if (!here) throw new Error('not here')
      return { say: async () => 'here' }
    })
    await expect(late.say()).rejects.toThrow('not here')
    here = true
    expect(await late.say()).toBe('here')
  })
})

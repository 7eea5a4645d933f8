import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { createProved } from '../../../src/worker/proved.ts'
import type { Choice } from '../../../src/worker/verdicts.ts'

const way = (id: string, steady = true): Choice =>
  ({ variant: { name: 'int8' }, backend: { id, engine: 'nano', steady } }) as unknown as Choice
const nano = way('nano')

describe('what has proved itself', () => {
  it('is known at the next start, in the same code', async () => {
    const store = createMemoryStore()
    const proved = await createProved(store, 'one')
    await proved.notebook()('digest', nano)
    await proved.notebook()('digest', way('gpu', false))
    expect((await createProved(store, 'one')).has('digest', nano)).toBe(true)
    expect((await createProved(store, 'one')).has('digest', way('gpu'))).toBe(false)
    expect((await createProved(store, 'two')).has('digest', nano)).toBe(false)
  })

  it.each([
    ['everything was forgotten', (proved: Awaited<ReturnType<typeof createProved>>) => proved.forgetAll()],
    ['it failed', (proved: Awaited<ReturnType<typeof createProved>>) => proved.remove('digest', nano)],
  ])('is not written down by a check that began before %s', async (_, doubt) => {
    const store = createMemoryStore()
    const proved = await createProved(store, 'one')
    const note = proved.notebook()
    await doubt(proved)
    await note('digest', nano)
    expect(proved.has('digest', nano)).toBe(false)
    expect((await createProved(store, 'one')).has('digest', nano)).toBe(false)
    await proved.notebook()('digest', nano)
    expect(proved.has('digest', nano)).toBe(true)
  })

  it('is written in order: a slow write of before does not bring back what was forgotten', async () => {
    const store = createMemoryStore()
    const writing: (() => Promise<void>)[] = []
    const slow = {
      ...store,
      // What is asked last is done first.
      putNote: (key: string, text: string) =>
        new Promise<void>((done) => writing.push(() => store.putNote(key, text).then(done))),
    }
    const proved = await createProved(slow, 'one')
    const noted = proved.notebook()('digest', nano)
    const forgotten = proved.forgetAll()
    const all = Promise.all([noted, forgotten])
    let done = false
    void all.then(() => {
      done = true
    })
    while (!done) {
      await writing.pop()?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await createProved(store, 'one')).has('digest', nano)).toBe(false)
  })
})

import { describe, expect, it } from 'vitest'
import { createDeferred } from '../../../src/lib/deferred.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import { createComingStore } from '../../../src/store/coming-store.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import type { RecordStore } from '../../../src/store/store.ts'
import { result } from './samples.ts'

describe('a store that is still being opened', () => {
  it('has what is asked of it wait, and is the store from then on', async () => {
    const opening = createDeferred<RecordStore>()
    const store = createComingStore(opening.promise)
    expect(() => store.signer).toThrow('not open yet')
    const heard: string[] = []
    store.subscribe(() => heard.push('kept on'))
    store.subscribe(() => heard.push('stopped'))()
    const written = store.setSetting('a', 1)
    const read = store.getSetting('a')
    const real = await openMemoryStore()
    opening.resolve(real)
    await written
    expect(await read).toBe(1)
    expect(store.signer).toBe(real.signer)
    await store.append(result())
    await expect.poll(() => heard).toEqual(['kept on'])
    store.close()
  })

  it('fails with what keeps it from opening, whatever is asked', async () => {
    const opening = createDeferred<RecordStore>()
    const store = createComingStore(opening.promise)
    const asked = [store.getSetting('a'), store.history(), store.streams()]
    const stop = store.subscribe(() => undefined)
    opening.reject(new JikoError('storage/blocked', 'another tab has an older version open'))
    for (const one of asked) await expect(one).rejects.toMatchObject({ code: 'storage/blocked' })
    await expect(store.getSetting('later')).rejects.toMatchObject({ code: 'storage/blocked' })
    expect(() => store.signer).toThrow('not open yet')
    stop()
    store.close()
  })
})

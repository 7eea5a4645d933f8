import { afterEach, describe, expect, it, vi } from 'vitest'
import { startWorkerAhead } from '../../../src/client/start-worker.ts'

class FakeWorker extends EventTarget {
  static started: FakeWorker[] = []
  constructor() {
    super()
    FakeWorker.started.push(this)
  }
}

afterEach(() => {
  vi.unstubAllGlobals()
  FakeWorker.started = []
})

describe('a worker that is started ahead', () => {
  it('is the one that is given first, and others follow', () => {
    vi.stubGlobal('Worker', FakeWorker)
    const start = startWorkerAhead()
    expect(FakeWorker.started).toHaveLength(1)
    expect([start(), start()]).toEqual(FakeWorker.started)
    expect(FakeWorker.started).toHaveLength(2)
  })

  it('is not given when it has failed already: nobody would hear why', () => {
    vi.stubGlobal('Worker', FakeWorker)
    const start = startWorkerAhead()
    const [failed] = FakeWorker.started
    failed?.dispatchEvent(new Event('error'))
    expect(start()).not.toBe(failed)
    expect(FakeWorker.started).toHaveLength(2)
  })
})

import { afterEach, describe, expect, it, vi } from 'vitest'
import { startBackgroundSync } from '../../../src/client/background-sync.ts'

const OPTIONS = { base: new URL('https://hub.test/'), database: 'jiko', program: undefined, app: 'test', version: '1' }

/** A browser whose new service worker ends in that state. */
function browser(state: ServiceWorkerState) {
  const worker = Object.assign(new EventTarget(), { state: 'installing' as ServiceWorkerState })
  const asked: string[] = []
  const registration = { active: null, installing: worker, sync: { register: async (tag: string) => asked.push(tag) } }
  const register = async () => {
    setTimeout(() => {
      worker.state = state
      worker.dispatchEvent(new Event('statechange'))
    })
    return registration
  }
  vi.stubGlobal('navigator', { serviceWorker: { register } })
  vi.stubGlobal('ServiceWorkerRegistration', { prototype: { sync: {} } })
  return asked
}

describe('what sends when no page is open', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('is asked for once its service worker runs', async () => {
    const asked = browser('activated')
    await (await startBackgroundSync(OPTIONS))?.wanted()
    expect(asked).toHaveLength(1)
  })

  it('says so when it cannot start, rather than never', async () => {
    browser('redundant')
    await expect(startBackgroundSync(OPTIONS)).rejects.toMatchObject({ code: 'sync/no-background' })
  })

  it('is nothing where the browser wakes nobody', async () => {
    vi.stubGlobal('navigator', {})
    expect(await startBackgroundSync(OPTIONS)).toBeUndefined()
  })
})

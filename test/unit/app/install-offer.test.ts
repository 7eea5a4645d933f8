import { describe, expect, it } from 'vitest'
import { createInstallOffer } from '../../../src/app/state/install-offer.ts'

function setUp(navigator: { standalone?: boolean } = {}, kept = new Map<string, string>()) {
  const browser = Object.assign(new EventTarget(), { navigator }) as unknown as Window
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  }
  return { browser, kept, offer: createInstallOffer(browser, storage) }
}

function promptOf(): Event & { prompts: number } {
  const event = Object.assign(new Event('beforeinstallprompt', { cancelable: true }), { prompts: 0 })
  return Object.assign(event, { prompt: async () => void event.prompts++ })
}

describe('the offer to install', () => {
  it("holds the browser's own prompt back until somebody says yes", async () => {
    const { browser, offer } = setUp()
    expect(offer.possible.value).toBe(false)
    const event = promptOf()
    browser.dispatchEvent(event)
    expect([event.defaultPrevented, offer.possible.value, offer.byHand]).toEqual([true, true, false])
    await offer.accept()
    expect([event.prompts, offer.possible.value]).toEqual([1, false])
  })

  it('is not made again to who said no, nor where the app is installed', () => {
    const { browser, kept, offer } = setUp()
    browser.dispatchEvent(promptOf())
    offer.dismiss()
    expect(offer.possible.value).toBe(false)
    // Browsers ask again in the same visit.
    browser.dispatchEvent(promptOf())
    expect(offer.possible.value).toBe(false)
    const next = setUp({}, kept)
    next.browser.dispatchEvent(promptOf())
    expect(next.offer.possible.value).toBe(false)
    const installed = setUp()
    installed.browser.dispatchEvent(promptOf())
    installed.browser.dispatchEvent(new Event('appinstalled'))
    expect(installed.offer.possible.value).toBe(false)
  })

  it('tells how to do it by hand on an iPhone, where no page can ask, until it is done or refused', () => {
    const { offer, kept } = setUp({ standalone: false })
    expect([offer.possible.value, offer.byHand]).toEqual([true, true])
    offer.dismiss()
    expect(setUp({ standalone: false }, kept).offer.possible.value).toBe(false)
    expect(setUp({ standalone: true }).offer.possible.value).toBe(false)
  })
})

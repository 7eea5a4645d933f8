import type { CDPSession } from 'playwright-core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SYNC_SCOPE, SYNC_TAG } from '../../src/protocol/service-worker.ts'
import { ask, complete, controlled, createField, type Field, go, installPack, sample } from '../helpers/field-app.ts'

let field: Field
/** Sees the browser's service workers, from a page that is not the app's. */
let session: CDPSession
let registrationId: string

beforeEach(async () => {
  field = await createField()
  const { context, page } = field
  await controlled(page)
  session = await context.newCDPSession(await context.newPage())
  const registrations: { registrationId: string; scopeURL: string; isDeleted: boolean }[] = []
  session.on('ServiceWorker.workerRegistrationUpdated', (event) => registrations.push(...event.registrations))
  await session.send('ServiceWorker.enable')
  const scope = new URL(SYNC_SCOPE, field.network.url).href
  await expect.poll(() => registrations.some(({ scopeURL }) => scopeURL === scope)).toBe(true)
  registrationId = registrations.find(({ scopeURL }) => scopeURL === scope)?.registrationId ?? ''
})
afterEach(() => field?.close())

/** Records that are only here, of an app whose page is closed since. */
async function saveAndClose(): Promise<void> {
  await field.page.bringToFront()
  await installPack(field.page)
  // The first answer brings all scripts that it takes; it is sent at once.
  await ask(field.page, sample('healthy-1.jpg'))
  await expect.poll(async () => (await field.hub.records()).length).toBe(1)
  await field.page.evaluate(async (scope) => {
    while (!(await navigator.serviceWorker.getRegistration(scope))?.active) await new Promise((r) => setTimeout(r, 50))
  }, SYNC_SCOPE)
  await complete(field.page)
  await field.network.cut()
  await ask(field.page, sample('rust-121.jpg'))
  await ask(field.page, sample('phoma-232.jpg'))
  await field.page.close()
  expect(await field.hub.records()).toHaveLength(1)
}

const event = { tag: SYNC_TAG, origin: '' }

it.each(['ServiceWorker.dispatchSyncEvent', 'ServiceWorker.dispatchPeriodicSyncEvent'] as const)(
  'no page is open: %s sends what waits, once, photos too',
  async (method) => {
    await saveAndClose()
    await field.network.restore()
    // The browser thought itself online and has tried already: an idle worker is stopped, and begins anew.
    await session.send('ServiceWorker.stopAllWorkers')
    const { origin } = new URL(field.network.url)
    await session.send(method, { ...event, origin, registrationId, lastChance: false })
    await expect.poll(async () => (await field.hub.records()).length).toBe(3)
    // What the hub says of its photos, the page hears when it is opened again.
    await expect
      .poll(async () => {
        const status = await fetch(`${field.hub.url}/metrics`)
        return /^jiko_hub_blobs\{[^}]*\} (\d+)/m.exec(await status.text())?.[1]
      })
      .toMatch(/^[36]$/)
    field.page = await field.context.newPage()
    await field.page.goto(field.network.url)
    await go(field.page, '#/history')
    await expect
      .poll(() => field.page.getByTestId('record').evaluateAll((rows) => rows.map((row) => row.dataset.state)))
      .toEqual(['final', 'final', 'final'])
    expect(await field.hub.records()).toHaveLength(3)
  },
)

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  allIn,
  ask,
  complete,
  controlled,
  createField,
  type Field,
  go,
  history,
  installPack,
  sample,
} from '../helpers/field-app.ts'

describe('the app on a phone', () => {
  let field: Field
  beforeAll(async () => {
    field = await createField()
  })
  afterAll(() => field?.close())

  it('can be installed: Chromium finds nothing wrong with it', async () => {
    const { page, context } = field
    await complete(page)
    const devtools = await context.newCDPSession(page)
    const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors')
    // The one complaint is about the tests' own profile, which is like a private window to Chromium.
    expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito')).toEqual([])
    const { data, errors } = await devtools.send('Page.getAppManifest')
    expect(errors).toEqual([])
    expect(JSON.parse(data ?? '')).toMatchObject({ display: 'standalone' })
  })

  it('breaks no rule of its own content security policy, and logs no error', async () => {
    const { page } = field
    const said: string[] = []
    page.on('console', (message) => message.type() === 'error' && said.push(message.text()))
    page.on('pageerror', (error) => said.push(String(error)))
    await page.reload()
    await installPack(page)
    await ask(page, sample('healthy-1.jpg'))
    await history(page)
    expect(said).toEqual([])
  })

  it('takes a new version when the person says so, and loses no unsent work by it', async () => {
    const { page, network } = field
    await allIn(page, 'final', 1)
    network.weather = 'error-500'
    await ask(page, sample('rust-121.jpg'))
    network.weather = 'fine'
    // Another version is another sw.js; the new one waits while the old one is in use.
    network.corrupt = (path, body) => (path === '/sw.js' ? Buffer.concat([body, Buffer.from('\n// next')]) : undefined)
    await page.evaluate(async () => {
      await (await navigator.serviceWorker.getRegistration())?.update()
    })
    await go(page, '#/')
    const renewed = page.waitForEvent('load')
    await page.getByTestId('update-banner').getByRole('button').first().click()
    await renewed
    await controlled(page)
    expect(await history(page)).toHaveLength(2)
    await allIn(page, 'final', 2)
    expect(await field.hub.records()).toHaveLength(2)
  })
})

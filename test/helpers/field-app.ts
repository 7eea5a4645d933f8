import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, LaunchOptions, Page } from 'playwright-core'
import type { RecordState } from '../../src/protocol/record.ts'
import { type BadNetwork, createBadNetwork } from './bad-network.ts'
import { deleteProfile, killBrowser, openProfile } from './chromium.ts'
import { deleteHubData, type HubProcess, startHub } from './hub-process.ts'
import { laterScripts } from './later-scripts.ts'
import { copyPacks } from './pack-versions.ts'

const PACK = 'coffee-leaf'

export const sample = (name: string): string => `models/coffee-leaf/samples/${name}`

/** A phone with the built app, a network that can turn bad, and a real hub behind it. */
export interface Field {
  hub: HubProcess
  network: BadNetwork
  page: Page
  context: BrowserContext
  close(): Promise<void>
  /** Ends the browser as a phone's battery would: at once, with no farewell. Opens it again on the same profile. */
  killAndReopen(): Promise<void>
}

export interface FieldOptions {
  /** Folder of packs that the hub serves; one with the leaf pack alone when left out. */
  packs?: string
  launch?: LaunchOptions
  /** Further switches of Chromium. */
  flags?: readonly string[]
  width?: number
  height?: number
  /** What the network does to answers from the very first on. */
  corrupt?: BadNetwork['corrupt']
}

export async function createField({ packs, corrupt, ...browser }: FieldOptions = {}): Promise<Field> {
  const leafOnly = packs === undefined ? await mkdtemp(join(tmpdir(), 'jiko-packs-')) : undefined
  if (leafOnly) await copyPacks(leafOnly, PACK)
  const hub = await startHub({ packs: packs ?? leafOnly ?? '' })
  const network = await createBadNetwork(() => hub.url)
  network.corrupt = corrupt
  let opened = await openProfile(browser)
  const field: Field = {
    hub,
    network,
    context: opened.context,
    page: await visit(opened.context, network.url),
    async killAndReopen() {
      const { profile } = opened
      await killBrowser(profile)
      await opened.context.close().catch(() => undefined)
      opened = await openProfile({ profile, ...browser })
      field.context = opened.context
      field.page = await visit(opened.context, network.url)
    },
    async close() {
      await field.context.close().catch(() => undefined)
      await network.close()
      await hub.stop()
      await deleteProfile(opened.profile)
      await deleteHubData(hub)
      if (leafOnly) await rm(leafOnly, { recursive: true, force: true })
    },
  }
  return field
}

async function visit(context: BrowserContext, url: string): Promise<Page> {
  const page = context.pages()[0] ?? (await context.newPage())
  await page.goto(url)
  return page
}

/** Waits until the page is in the hands of its service worker, so that it opens without a network. */
export const controlled = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => navigator.serviceWorker.controller !== null)

/** Waits until every screen of the app is here, not only the first: then the network may go. */
export async function complete(page: Page, app?: string): Promise<void> {
  await controlled(page)
  const wanted = (await laterScripts(app)).length
  // Asked again and again from here: `waitForFunction` takes a promise for a yes.
  while ((await page.evaluate(async () => (await (await caches.open('jiko-later-v1')).keys()).length)) < wanted) {
    await page.waitForTimeout(100)
  }
}

/** Goes to a screen, as a link there does. */
export const go = (page: Page, hash: string): Promise<void> =>
  page.evaluate((to) => {
    location.hash = to
  }, hash)

/** Waits until a pack is here, whole. */
export const ready = (page: Page, name = PACK): Promise<unknown> =>
  page.waitForSelector(`[data-testid="pack-${name}"][data-state="ready"]`)

/** Takes a pack away, on the screen of packs. */
export async function removePack(page: Page, name = PACK): Promise<void> {
  await go(page, '#/packs')
  const buttons = page.getByTestId(`installed-${name}`).getByRole('button')
  // It is asked twice: "remove" comes last, "yes" first.
  await buttons.last().click()
  await buttons.first().click()
}

/** Requests for packs' blobs so far, and the bytes of them. */
export const blobs = ({ seen }: BadNetwork): BadNetwork['seen'] => seen.filter(({ path }) => path.endsWith('.bin'))
export const blobBytes = (network: BadNetwork): number => blobs(network).reduce((sum, { bytes }) => sum + bytes, 0)

export async function installPack(page: Page, name = PACK): Promise<void> {
  const card = page.getByTestId(`pack-${name}`)
  await card.getByTestId('install-pack').click()
  await ready(page, name)
}

export interface Shown {
  label: string
  score: number
}

/** From wherever the page is: home, one photo, its answer. */
export async function ask(
  page: Page,
  photo: string | { name: string; mimeType: string; buffer: Buffer },
  pack = PACK,
): Promise<Shown> {
  await choose(page, photo, pack)
  const answer = page.getByTestId('answer')
  await answer.waitFor()
  return {
    label: (await answer.getAttribute('data-label')) ?? '',
    score: Number(await answer.getAttribute('data-score')),
  }
}

/** Chooses a photo and returns the code of the failure that is shown. */
export async function askInVain(
  page: Page,
  photo: { name: string; mimeType: string; buffer: Buffer },
): Promise<string> {
  await choose(page, photo)
  const failure = page.getByTestId('failure')
  await failure.waitFor()
  return (await failure.getAttribute('data-code')) ?? ''
}

async function choose(
  page: Page,
  photo: string | { name: string; mimeType: string; buffer: Buffer },
  pack = PACK,
): Promise<void> {
  await go(page, '#/')
  const input = page.locator(`[data-testid="pack-${pack}"] [data-testid="photo-input"]`)
  await input.waitFor({ state: 'attached' })
  await input.setInputFiles(photo)
}

/** The rows of history, newest first. */
export async function history(page: Page): Promise<{ id: string; state: RecordState; label: string }[]> {
  await go(page, '#/history')
  // Home has rows too, and stands until this screen is here.
  await page.getByTestId('find-text').waitFor()
  await page.getByTestId('record').first().waitFor()
  return page.getByTestId('record').evaluateAll((rows) =>
    rows.map((row) => ({
      id: row.getAttribute('data-id') ?? '',
      state: row.getAttribute('data-state') as RecordState,
      label: row.getAttribute('data-label') ?? '',
    })),
  )
}

/** Resolves once every row of history is in that state. */
export async function allIn(page: Page, state: RecordState, count: number): Promise<void> {
  await history(page)
  await page.waitForFunction(
    ([wanted, number]) => {
      const rows = [...document.querySelectorAll('[data-testid="record"]')]
      return rows.length === number && rows.every((row) => row.getAttribute('data-state') === wanted)
    },
    [state, count] as const,
  )
}

/** Presses "send now", as a person does who has just got a signal. */
export async function sendNow(page: Page): Promise<void> {
  await go(page, '#/sync')
  await page.getByTestId('send-now').click()
}

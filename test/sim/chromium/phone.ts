import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { generateKeyPair } from '../../../src/protocol/sign.ts'
import { createMemoryDisk, type MemoryDisk } from '../../../src/store/memory-database.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import { deleteProfile, killBrowser, openProfile } from '../../helpers/chromium.ts'
import type { CheckedPhone } from '../check.ts'
import type { PhonePage } from './page.ts'

declare const phone: PhonePage

/** A browser with a profile of its own: its disk is what is looked at. */
export interface ChromiumPhone extends CheckedPhone {
  profile: string
  context: BrowserContext
  page: Page
  /** Another tab. */
  openTab(): Promise<Page>
  /** As a battery that falls out. What goes on in the page fails. */
  kill(): void
  /** The next start on the same disk. */
  reopen(): Promise<void>
  /** What is on its disk now, for the checker. */
  look(): Promise<void>
  /** Bytes a second, and milliseconds there and back; undefined for as fast as it goes. */
  throttle(link?: { bytes: number; latency: number }): Promise<void>
  /** A copy of the profile as it lies there: killed first, as whoever copies a phone's storage would have it. */
  copyProfile(): Promise<string>
  close(): Promise<void>
}

async function diskOf(page: Page): Promise<MemoryDisk> {
  const tables = await page.evaluate(() => phone.rows())
  const table = <T>(name: string): Map<string, T> =>
    new Map((tables[name] ?? []).map(([key, row]) => [[key].flat().join('/'), row as T]))
  const disk = createMemoryDisk(undefined, {
    streams: table('streams'),
    records: table('records'),
    attachments: table('attachments'),
    uploads: table('uploads'),
    known: table('known'),
    actors: table('actors'),
    settings: table('settings'),
    // The phone's own key cannot be read out, and nothing is signed here.
    keys: new Map([['device', await generateKeyPair(false)]]),
  })
  return disk
}

export interface PhoneOptions {
  url: string
  chromiumPath: string
  /** Copied from another phone. */
  profile?: string
  saved?: ReadonlySet<string>
  named?: ReadonlyMap<string, string>
}

export async function openPhone(options: PhoneOptions): Promise<ChromiumPhone> {
  const { url, chromiumPath } = options
  let dying: Promise<void> | undefined

  async function visit(context: BrowserContext): Promise<Page> {
    const page = await context.newPage()
    await page.exposeFunction('saved', (label: string) => void node.saved.add(label))
    await page.goto(url)
    await page.waitForFunction(() => 'phone' in globalThis)
    return page
  }

  const launch = { executablePath: chromiumPath }
  const opened = await openProfile({ launch, ...(options.profile !== undefined && { profile: options.profile }) })
  const node = {
    saved: new Set(options.saved),
    named: new Map(options.named),
    verified: new Set<string>(),
    copied: options.profile !== undefined,
    pruned: false,
    profile: opened.profile,
    context: opened.context,
    openTab: () => visit(node.context),
    kill() {
      dying = killBrowser(node.profile)
    },
    async reopen() {
      await (dying ?? killBrowser(node.profile))
      await node.context.close().catch(() => undefined)
      dying = undefined
      node.context = (await openProfile({ profile: node.profile, launch })).context
      node.page = await visit(node.context)
    },
    async look() {
      node.disk = await diskOf(node.page)
      node.store = await openMemoryStore(node.disk as MemoryDisk)
    },
    async throttle(link) {
      const session = await node.context.newCDPSession(node.page)
      await session.send('Network.enable')
      await session.send('Network.emulateNetworkConditions', {
        offline: false,
        latency: link?.latency ?? 0,
        downloadThroughput: link?.bytes ?? -1,
        uploadThroughput: link?.bytes ?? -1,
      })
      await session.detach()
    },
    async copyProfile() {
      const folder = await mkdtemp(join(tmpdir(), 'jiko-chromium-copy-'))
      node.kill()
      await node.context.close().catch(() => undefined)
      await cp(node.profile, folder, { recursive: true, filter: (path) => !/Singleton|\/Cache\//.test(path) })
      await node.reopen()
      return folder
    },
    async close() {
      await node.context.close().catch(() => undefined)
      await deleteProfile(node.profile)
    },
  } as ChromiumPhone
  node.page = await visit(node.context)
  await node.look()
  return node
}

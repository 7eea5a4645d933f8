import { resolve } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadReleaseKey } from '../../src/cli/release-key.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { endure, makeTrappable } from '../helpers/endurance.ts'
import type { KitPage } from '../helpers/kit-page/main.ts'
import { openKitPage, serveKitPage } from '../helpers/kit-page.ts'
import type { FolderServer } from '../helpers/serve-folder.ts'

declare const page: KitPage

const REQUESTS = 96

describe('a worker that dies, traps, finds no memory and is interrupted', () => {
  let server: FolderServer
  let opened: { context: BrowserContext; profile: string }
  let tab: Page

  beforeAll(async () => {
    server = await serveKitPage(resolve('dist/packs'), [(await loadReleaseKey()).key])
    makeTrappable(server)
    opened = await openProfile()
    tab = await opened.context.newPage()
    await openKitPage(tab, server)
    expect(await tab.evaluate(() => page.install('coffee-leaf'))).toBe('ready')
  })
  afterAll(async () => {
    await opened?.context.close()
    if (opened) await deleteProfile(opened.profile)
    await server?.close()
  })

  it('answers every request all the same, by the same engine, and holds no more at the end than in the middle', async () => {
    const { context, profile } = opened
    const { answers, faults, held, cancels } = await endure(context, tab, {
      requests: REQUESTS,
      weighEvery: 24,
      profile,
    })
    console.log(`faults: ${JSON.stringify(faults)}`)
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
    for (const { request, page, process } of held)
      console.log(`after ${request} requests: page ${megabytes(page)} MB, process ${megabytes(process)} MB`)
    for (const { told, free } of cancels)
      console.log(`cancelled: told after ${told.toFixed(1)} ms, the worker answers again after ${free.toFixed(1)} ms`)
    expect(answers).toEqual({ rust: REQUESTS })
    expect(Object.values(faults).every((count) => count > 0)).toBe(true)
    // A fault that comes once is no verdict: the same engine goes on.
    const asked = await tab.evaluate(() => page.device())
    expect(asked.packs[0]?.ways[0]).toMatchObject({ used: true, backend: expect.stringContaining('nano') })
    // Photos that were answered would be 15 MB by now.
    const [, middle, , end] = held
    expect((end?.page ?? 0) - (middle?.page ?? 0)).toBeLessThan(3e6)
    await expect.poll(() => tab.workers().length).toBeLessThanOrEqual(1)
  })
})

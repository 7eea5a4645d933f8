import { resolve } from 'node:path'
import { loadReleaseKey } from '../../src/cli/release-key.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { endure, makeTrappable, timeRestarts } from '../helpers/endurance.ts'
import { findChromium } from '../helpers/find-chromium.ts'
import type { KitPage } from '../helpers/kit-page/main.ts'
import { openKitPage, serveKitPage } from '../helpers/kit-page.ts'

declare const page: KitPage

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1).padStart(7)
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const spread = (values: readonly number[]): string =>
  `median ${median(values).toFixed(0)}, worst ${Math.max(...values).toFixed(0)} ms of ${values.length}`

/**
 * `npm run bench -- endurance [requests]`: 1,000 photos in Chromium while the worker dies, traps, finds no memory and is
 * interrupted; what page and process hold meanwhile; what a restart costs. Wants `npm run build` first.
 */
export async function bench([requests = '1000']: readonly string[]): Promise<void> {
  const server = await serveKitPage(resolve('dist/packs'), [(await loadReleaseKey()).key])
  makeTrappable(server)
  const { context, profile } = await openProfile({ launch: { executablePath: findChromium() } })
  try {
    const tab = await context.newPage()
    await openKitPage(tab, server)
    await tab.evaluate(() => page.install('coffee-leaf'))
    const begun = performance.now()
    const count = Number(requests)
    const report = await endure(context, tab, {
      requests: count,
      weighEvery: Math.max(1, Math.round(count / 10)),
      profile,
    })
    console.log(
      `${count} requests in ${((performance.now() - begun) / 1000).toFixed(0)} s; answers: ${JSON.stringify(report.answers)}; faults: ${JSON.stringify(report.faults)}`,
    )
    console.log('requests   page MB   process MB')
    for (const held of report.held)
      console.log(`${String(held.request).padStart(8)}   ${megabytes(held.page)}      ${megabytes(held.process)}`)
    console.log(`cancel, until the caller knows: ${spread(report.cancels.map(({ told }) => told))}`)
    console.log(`cancel, until the worker answers something else: ${spread(report.cancels.map(({ free }) => free))}`)
    for (const engine of ['nano', 'onnx'] as const) {
      const times = await timeRestarts(tab, server, engine)
      console.log(`${engine}: a request of a warm worker ${spread(times.map(({ warm }) => warm))}`)
      console.log(`${engine}: a fresh worker answers its first call: ${spread(times.map(({ call }) => call))}`)
      console.log(
        `${engine}: the first answer takes longer after a restart by: ${spread(times.map(({ answer, warm }) => answer - warm))}`,
      )
    }
  } finally {
    await context.close()
    await deleteProfile(profile)
    await server.close()
  }
}

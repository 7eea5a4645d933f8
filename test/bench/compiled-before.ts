import type { Page } from 'playwright-core'

/** Opens the app once more, and says which of its scripts came with their compiled code: none of these is compiled anew. */
export async function compiledBefore(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page)
  const found = new Set<string>()
  session.on('Tracing.dataCollected', ({ value }) => {
    for (const { name, args } of value as unknown as { name: string; args?: { data?: Record<string, unknown> } }[]) {
      const { url, cacheKind, cacheRejected } = args?.data ?? {}
      const [, script] = /assets\/(\w+)-[^/]+\.js$/.exec(String(url)) ?? []
      if (name === 'v8.compile' && script && cacheKind !== undefined && cacheRejected === false) found.add(script)
    }
  })
  const over = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve))
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['v8', 'disabled-by-default-v8.compile', 'devtools.timeline'] },
  })
  await page.reload()
  await page.locator('main').waitFor()
  await session.send('Tracing.end')
  await over
  await session.detach()
  return [...found].sort()
}

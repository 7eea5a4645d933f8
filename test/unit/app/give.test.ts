import { describe, expect, it } from 'vitest'
import type { App } from '../../../src/app/context.ts'
import type { Route } from '../../../src/app/routes.ts'
import { giveFiles } from '../../../src/app/state/give.ts'
import { createSignal } from '../../../src/client/signal.ts'

/** What becomes of so many photos, given on a screen. */
async function given(count: number, route: Route): Promise<string[]> {
  const asked: string[] = []
  const app = {
    attempts: { begin: async () => void asked.push('one') },
    batches: async () => ({
      add: async (_: string, files: readonly Blob[]) => void asked.push(`batch of ${files.length}`),
    }),
    navigation: { route: createSignal(route), go: ({ screen }: Route) => void asked.push(`#${screen}`) },
  } as unknown as Pick<App, 'attempts' | 'batches' | 'navigation'>
  giveFiles(
    app,
    'leaf',
    Array.from({ length: count }, () => new Blob()),
  )
  await new Promise((done) => setTimeout(done))
  return asked
}

describe('files that are given to a task', () => {
  it('are one question, or a batch; beside a batch one more belongs to it; none is nothing', async () => {
    expect(await given(1, { screen: 'home' })).toEqual(['one'])
    expect(await given(2, { screen: 'home' })).toEqual(['#batch', 'batch of 2'])
    expect(await given(1, { screen: 'batch' })).toEqual(['#batch', 'batch of 1'])
    expect(await given(0, { screen: 'home' })).toEqual([])
  })
})

import { expect, it } from 'vitest'
import { createClips } from '../../../src/client/clips.ts'
import type { PackOffer } from '../../../src/client/kit.ts'
import type { WorkerHost } from '../../../src/client/worker-host.ts'
import type { WorkerApi } from '../../../src/protocol/worker.ts'

it('fetches within the budget, from where the pack is on offer, and says what is not recorded', async () => {
  const asked: unknown[][] = []
  const dropped: unknown[][] = []
  const api = {
    clips: async () => ({ sw: { bytes: 500, have: 200 } }),
    dropClips: async (...args: unknown[]) => void dropped.push(args),
    fetchClips: async (...args: unknown[]) => void asked.push(args),
  } as unknown as WorkerApi
  const host = {
    call: (work: (api: WorkerApi, job: string, onProgress?: unknown) => unknown) => work(api, 'job'),
  } as unknown as WorkerHost
  const offer = { name: 'leaf', url: 'https://hub.test/packs/leaf/' } as PackOffer
  const clips = createClips(host, { list: async () => [offer] })
  await clips.fetch('leaf', 'sw-TZ', { background: true })
  const options = { anyway: false, background: true, bytes: 300 }
  expect(asked).toEqual([['job', 'leaf', 'sw-TZ', offer.url, undefined, options]])
  await expect(clips.fetch('leaf', 'ha')).rejects.toMatchObject({ code: 'pack/no-file' })
  await expect(clips.fetch('none', 'sw')).rejects.toMatchObject({ code: 'pack/no-file' })
  expect(asked).toHaveLength(1)
  await clips.drop('leaf', 'sw')
  expect(dropped).toEqual([['leaf', 'sw']])
})

import { sleep as realSleep } from '../lib/abort.ts'
import { backoff } from '../lib/backoff.ts'
import { JikoError } from '../protocol/error.ts'
import type { DownloadDeps } from './download.ts'
import { type CheckedManifest, fetchManifest, type TrustedKeys } from './fetch-manifest.ts'
import { isPause } from './mirrors.ts'

/** Manifests are small; a person is waiting for the first sign of life. */
const ROUNDS = 4
/** Failures of a link rather than of a pack: what another round may mend. */
const MENDABLE = new Set(['download/network', 'download/stalled', 'download/server', 'download/captive-portal'])

/**
 * The manifest from the first address that has one: every address in order, then all again after a while.
 * @throws what `fetchManifest` throws, the last of it.
 */
export async function findManifest(
  urls: readonly string[],
  { sleep = realSleep, random = Math.random, ...link }: Omit<DownloadDeps, 'store'>,
  trusted: TrustedKeys,
  signal?: AbortSignal,
): Promise<CheckedManifest> {
  let problem: unknown = new JikoError('download/not-found', 'There is no address to fetch the pack from.')
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) await sleep(backoff(round - 1, { random }), signal)
    let mendable = false
    for (const url of urls) {
      try {
        return await fetchManifest(url, link, trusted, signal)
      } catch (error) {
        if (!(error instanceof JikoError) || signal?.aborted || isPause(error)) throw error
        problem = error
        mendable ||= MENDABLE.has(error.code)
      }
    }
    if (!mendable) break
  }
  throw problem
}

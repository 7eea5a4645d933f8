import { isAbort } from '../lib/abort.ts'
import { JikoError } from '../protocol/error.ts'
import { faceFinderOf } from '../protocol/face-finder.ts'
import type { PackStatus } from '../protocol/worker.ts'
import type { Operation } from './operation.ts'
import type { PackRoom } from './pack-room.ts'

/** An address may be given without its origin, which then is the worker's. */
const here = (): string | undefined => (globalThis as { location?: { href: string } }).location?.href

/** No other try would bring it: it is not there, nobody here trusts it, nothing here runs it. */
const LASTING = /^(pack|runtime)\/|^download\/(not-found|refused)$/

/**
 * What a pack needs to hide faces comes along with it: from beside it, wherever it came from. What is here already stays as
 * it is. The pack itself is here and answers: where its finder is not to be had, its status says so and why.
 * @throws what another try may mend: JikoError `download/...`, `storage/...`
 */
export async function installFinder(
  packs: Pick<PackRoom, 'list' | 'install'>,
  status: PackStatus,
  source: string | readonly string[],
  operation: Operation,
): Promise<PackStatus> {
  const installed = await packs.list()
  const name = faceFinderOf(installed.find((pack) => pack.name === status.name)?.signed.manifest.form)
  if (name === undefined) return status
  if (installed.some((pack) => pack.name === name)) return { ...status, finder: { name, ready: true } }
  const urls = [source].flat() as string[]
  try {
    await packs.install(
      urls.map((url) => new URL(`../${encodeURIComponent(name)}/manifest.ndjson`, new URL(url, here())).href),
      operation,
    )
    return { ...status, finder: { name, ready: true } }
  } catch (error) {
    if (isAbort(error) || !(error instanceof JikoError) || !LASTING.test(error.code)) throw error
    return { ...status, finder: { name, ready: false, reason: error.code } }
  }
}

import { faceFinderOf } from '../protocol/face-finder.ts'
import type { Operation } from './operation.ts'
import type { PackRoom } from './pack-room.ts'

/** An address may be given without its origin, which then is the worker's. */
const here = (): string | undefined => (globalThis as { location?: { href: string } }).location?.href

/**
 * What a pack needs to hide faces comes along with it: from beside it, wherever it came from. What is here already stays as
 * it is.
 */
export async function installFinder(
  packs: Pick<PackRoom, 'list' | 'install'>,
  name: string,
  source: string | readonly string[],
  operation: Operation,
): Promise<void> {
  const installed = await packs.list()
  const finder = faceFinderOf(installed.find((pack) => pack.name === name)?.signed.manifest.form)
  if (finder === undefined || installed.some((pack) => pack.name === finder)) return
  const urls = [source].flat() as string[]
  await packs.install(
    urls.map((url) => new URL(`../${encodeURIComponent(finder)}/manifest.ndjson`, new URL(url, here())).href),
    operation,
  )
}

import { utf8 } from '../lib/bytes.ts'
import { sha256Hex } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import { parseSignedManifest, type SignedManifest } from '../protocol/manifest.ts'
import type { InstalledPack, PackStatus } from '../protocol/worker.ts'
import { type ChooseLater, missingBytes } from './layout.ts'
import type { PackStore } from './store.ts'

const NOTHING: ReadonlySet<string> = new Set()

/** How much of a manifest is here. `here` are the hashes of all chunks in the store. */
export async function measure(
  signed: SignedManifest,
  state: PackStatus['state'],
  here: ReadonlySet<string>,
  choose: ChooseLater,
): Promise<PackStatus> {
  const { manifest } = signed
  const paths = await choose(manifest)
  const bytes = missingBytes(manifest, paths, NOTHING)
  return {
    name: manifest.name,
    version: manifest.version,
    digest: await sha256Hex(utf8(signed.line)),
    state,
    bytes,
    have: bytes - missingBytes(manifest, paths, here),
  }
}

/** Installed packs. `have` below `bytes`: the full variant is still to come, or the browser evicted some of it. */
export async function listInstalled(store: PackStore, choose: ChooseLater): Promise<InstalledPack[]> {
  const here = new Set(await store.listChunks())
  const found: InstalledPack[] = []
  for (const name of await store.listManifests()) {
    const signed = readable(await store.getManifest(name))
    if (signed) found.push({ ...(await measure(signed, 'ready', here, choose)), signed })
  }
  return found
}

/** What is on its way: first installs and updates alike. */
export async function listPending(store: PackStore, choose: ChooseLater): Promise<(PackStatus & { url: string })[]> {
  const here = new Set(await store.listChunks())
  const found: (PackStatus & { url: string })[] = []
  for (const name of await store.listPending()) {
    const pending = await store.getPending(name)
    const signed = readable(pending?.text)
    if (pending && signed) found.push({ ...(await measure(signed, 'downloading', here, choose)), url: pending.url })
  }
  return found
}

/** One pack: what is installed counts before what is pending, since that is what can be used. */
export async function statusOf(store: PackStore, name: string, choose: ChooseLater): Promise<PackStatus> {
  const installed = readable(await store.getManifest(name))
  const signed = installed ?? readable((await store.getPending(name))?.text)
  if (!signed) return { name, version: '', digest: '', state: 'absent', bytes: 0, have: 0 }
  return measure(signed, installed ? 'ready' : 'downloading', new Set(await store.listChunks()), choose)
}

/** A manifest from the store, or undefined when it is absent or no app of this version can read it. */
export function readable(text: string | undefined): SignedManifest | undefined {
  if (text === undefined) return undefined
  try {
    return parseSignedManifest(text)
  } catch (error) {
    if (error instanceof JikoError) return undefined
    throw error
  }
}

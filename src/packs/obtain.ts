import { updatesOf } from '../protocol/delta.ts'
import { JikoError } from '../protocol/error.ts'
import type { OnProgress } from '../protocol/worker.ts'
import { type DownloadDeps, download } from './download.ts'
import { besideManifest, type CheckedManifest } from './fetch-manifest.ts'
import type { NoteStore } from './notes.ts'
import type { PatchDeps } from './patch.ts'
import type { PackStore } from './store.ts'

export interface Operation {
  signal?: AbortSignal
  onProgress?: OnProgress
}

/** Where the bytes of a manifest's chunks come from: mirrors, or a file. */
export type Obtain = (checked: CheckedManifest, wanted: readonly number[], operation: Operation) => Promise<unknown>

export interface ObtainDeps extends Omit<DownloadDeps, 'store' | 'spend'> {
  store: PackStore & NoteStore
  /** Told every byte that comes in and the pack it is of (`''` for manifests); throws to stop, as a data budget does. */
  spend?: (bytes: number, pack: string) => void
  /** Asked when the device is full; answers how many bytes it freed. */
  makeRoom?: (bytes: number, forPack: string) => Promise<number>
}

/** The link, with its bytes put down to a pack. */
export function linkFor(pack: string, { spend, ...rest }: ObtainDeps): PatchDeps {
  return { ...rest, ...(spend && { spend: (bytes: number) => spend(bytes, pack) }) }
}

/** From addresses of the manifest, best first: by differences where it offers some, and chunks. */
export function fromMirrors(urls: readonly string[], deps: ObtainDeps): Obtain {
  return async (checked, wanted, operation) => {
    const { name, blob } = checked.signed.manifest
    const link = linkFor(name, deps)
    // Most installs have nothing to make differences from: the code for it is a file of its own.
    const patching = updatesOf(checked.text).length > 0 && (await import('./patch.ts').catch(() => undefined))
    if (patching) await patching.patch(checked, wanted, urls, link, operation)
    const mirrors = urls.map((url) => besideManifest(url, blob.path))
    await download({ chunks: blob.chunks, wanted, mirrors }, link, operation)
  }
}

/** Makes room as often as that helps: the device's own figures are estimates, only the write tells. */
export function withRoom(obtain: Obtain, { store, makeRoom }: Pick<ObtainDeps, 'store' | 'makeRoom'>): Obtain {
  return async (checked, wanted, operation) => {
    const { blob, name } = checked.signed.manifest
    for (;;) {
      try {
        return await obtain(checked, wanted, operation)
      } catch (error) {
        if (!makeRoom || !(error instanceof JikoError) || error.code !== 'storage/quota') throw error
        const held = new Set(await store.listChunks())
        const lacking = wanted.map((i) => blob.chunks[i]).filter((chunk) => chunk && !held.has(chunk.sha256))
        const bytes = lacking.reduce((sum, chunk) => sum + (chunk?.length ?? 0), 0)
        if ((await makeRoom(bytes, name)) <= 0) throw error
      }
    }
  }
}

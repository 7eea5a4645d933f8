import type { BlobStore } from './blob-store/blob-store.ts'
import type { HubStore } from './store/store.ts'

const AT_ONCE = 100

export interface EraseDeps {
  store: HubStore
  blobs: BlobStore
  /** Key of this hub: what its own log orders is carried out. */
  authority: string
}

/**
 * Carries out the orders to erase that are here: first the attachments go, then the text, in one transaction with the
 * mark that it is gone. Killed in between it begins anew; a line that comes back is erased again.
 */
export async function carryOutErasures({ store, blobs, authority }: EraseDeps, program: string): Promise<void> {
  for (;;) {
    const erasures = await store.erasures(program, authority, AT_ONCE)
    for (const erasure of erasures) {
      for (const sha256 of erasure.blobs) await blobs.remove(program, sha256)
      await store.erase(program, erasure)
    }
    if (erasures.length < AT_ONCE) return
  }
}

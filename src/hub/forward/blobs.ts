import { sendAttachment } from '../../sync/attachments.ts'
import type { Persist } from '../../sync/persist.ts'
import type { ProgramDeps } from './ask.ts'

const never = async (): Promise<boolean> => false

/** Passes on whole attachments, after the records that name them. @throws JikoError `sync/...`. */
export async function forwardBlobs(deps: ProgramDeps, persist: Persist, signal?: AbortSignal): Promise<void> {
  const { store, blobs, program, signer, now } = deps
  const upload = { ...deps, store: { signer }, moment: () => ({ wall: now(), mono: now(), session: 'hub' }) }
  const unwanted = new Set<string>()
  for (;;) {
    const waiting = await store.blobsToForward(program, unwanted.size + 1)
    const sha256 = waiting.find((name) => !unwanted.has(name))
    if (sha256 === undefined) return
    const blob = await blobs.read(program, sha256)
    const bytes = blob && (await new Response(blob.stream()).blob())
    const outcome = bytes ? await sendAttachment(sha256, bytes, never, upload, persist, signal) : 'unwanted'
    if (outcome === 'done') await store.noteBlobAbove(program, sha256, 'held')
    else unwanted.add(sha256)
  }
}

import type { Bytes } from '../lib/bytes.ts'

/**
 * Where verified chunks and committed manifests live. Chunks are content-addressed and shared by versions and packs.
 * The manifest is committed last: a pack is installed if and only if its manifest is here.
 */
export interface PackStore {
  getChunk(sha256: string): Promise<Bytes | undefined>
  /** Repeatable. @throws JikoError `storage/quota` when the device is full; nothing is half-written then. */
  putChunk(sha256: string, bytes: Bytes): Promise<void>
  hasChunk(sha256: string): Promise<boolean>
  deleteChunk(sha256: string): Promise<void>
  listChunks(): Promise<string[]>
  /** Text of `manifest.ndjson`, by pack name. */
  getManifest(name: string): Promise<string | undefined>
  putManifest(name: string, text: string): Promise<void>
  deleteManifest(name: string): Promise<void>
  listManifests(): Promise<string[]>
  /** What is being installed and not yet committed: pack name to manifest URL and text, so that a restart carries on. */
  getPending(name: string): Promise<{ url: string; text: string } | undefined>
  putPending(name: string, pending: { url: string; text: string }): Promise<void>
  deletePending(name: string): Promise<void>
  listPending(): Promise<string[]>
}

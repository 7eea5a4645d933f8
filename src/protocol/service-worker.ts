/** Page to service worker: apply the update that waits, now that the person agreed. */
export type ToServiceWorker = { type: 'SKIP_WAITING' }

/** Tag of the Background Sync, one-off or periodic, that sends what waits. */
export const SYNC_TAG = 'jiko-sync'
/** The service worker that hears it, and its scope, in which there is no page: relative to the app's. */
export const SYNC_SCRIPT = 'sync-worker.js'
export const SYNC_SCOPE = 'sync/'

/** Cache names; a version in the name where the format may change. */
export const CHUNK_CACHE = 'jiko-chunks-v1'
export const RUNTIME_CACHE = 'jiko-runtime-v1'
const GPU_RUNTIME_CACHE = 'jiko-runtime-gpu-v1'

/** The cache of a runtime's file, by its name: a phone keeps the build that it uses, not both. */
export const runtimeCacheOf = (file: string): string => (/\.jspi\./.test(file) ? GPU_RUNTIME_CACHE : RUNTIME_CACHE)

/**
 * Caches of scripts that only some packs need, by their folder below `runtime/`: those with a tokenizer, those that read
 * pages, those with recordings.
 */
export const PACK_SCRIPTS = { tokens: 'jiko-tokens-v1', page: 'jiko-page-v1', clips: 'jiko-clips-v1' } as const

/** Where other apps hand something over, relative to the scope, the fields it comes in, and where it waits for a page. */
export const SHARE_ACTION = 'share'
export const SHARE_FIELDS = { pack: 'pack', media: 'media', text: 'text' } as const
/** What a page is opened with when something waits for it, or comes by the launch queue: then it looks at once. */
export const GIVEN = '?given'
export const SHARE_CACHE = 'jiko-shared-v1'

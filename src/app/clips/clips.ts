import type { Kit } from '../../client/kit.ts'
import { PACK_SCRIPTS } from '../../protocol/service-worker.ts'
import { cacheUsed } from '../../worker/cache-runtime.ts'
import type { Packs } from '../state/packs.ts'
import type { PreferenceStore } from '../state/preferences.ts'
import { findVoice } from '../voices.ts'
import { type Clips, createClips } from './stocks.ts'

/** All about recordings is this one file, which phones without them never fetch. */
export { PackClips } from './pack-clips.tsx'
export { Recording } from './recording.tsx'

/** Recordings, with what only a page has: voices and the network. */
export function openClips(
  kit: Kit,
  packs: Packs,
  preferences: PreferenceStore,
  onOtherNetwork: (listener: () => void) => void,
  announce: (text: string) => void,
): Clips {
  // On the first visit this page can be older than the service worker, which keeps it for when there is no network.
  cacheUsed(new URL('runtime/clips/', document.baseURI), () => PACK_SCRIPTS.clips).catch(() => undefined)
  return createClips({
    kit,
    packs,
    preferences,
    findVoice,
    onOtherNetwork,
    isOnline: () => navigator.onLine,
    announce,
  })
}

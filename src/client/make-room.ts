import type { RecordStore } from '../store/store.ts'

const DAY = 24 * 3_600_000
/** Records that are safe at the root stay this long, to be looked at. */
const KEPT = 30 * DAY
/** Above this share of the quota the oldest of them go, and at least so much at once. */
const FULL = 0.8
const ROOM = 20 << 20

async function makeRoom(store: RecordStore): Promise<void> {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {}
  if (quota > 0 && usage > quota * FULL) await store.prune({ bytes: Math.max(ROOM, usage - quota * FULL) })
  await store.prune({ before: Date.now() - KEPT })
}

/** Keeps the phone usable: what is safe at the root goes after a month, or when room is scarce. Returns how to stop. */
export function startMakingRoom(store: RecordStore, onError: (error: unknown) => void): () => void {
  const look = (): void => void makeRoom(store).catch(onError)
  const timer = setInterval(look, DAY)
  look()
  return () => clearInterval(timer)
}

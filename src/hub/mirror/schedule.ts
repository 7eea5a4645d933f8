import { isAbort, sleep } from '../../lib/abort.ts'
import { backoff } from '../../lib/backoff.ts'
import type { Mirror, Mirrored } from './mirror.ts'

const HOUR = 3_600_000

export interface MirroringOptions {
  mirror: Mirror
  /** Told what each look brought. */
  onMirrored(result: Mirrored): void
  onError(error: unknown): void
}

/** Looks at the hub above now and every hour; after a failure sooner, but ever more seldom. */
export function startMirroring({ mirror, onMirrored, onError }: MirroringOptions): { stop(): void } {
  const stopping = new AbortController()
  const { signal } = stopping
  async function loop(): Promise<void> {
    for (let failures = 0; ; ) {
      try {
        const result = await mirror.run({ signal })
        onMirrored(result)
        failures = result.failed.length > 0 ? failures + 1 : 0
      } catch (error) {
        if (signal.aborted) return
        failures++
        onError(error)
      }
      await sleep(failures > 0 ? backoff(failures, { base: 30_000, cap: HOUR }) : HOUR, signal)
    }
  }
  loop().catch((error) => {
    if (!isAbort(error)) onError(error)
  })
  return { stop: () => stopping.abort() }
}

import type { FailureProps } from './explained.tsx'
import { lazyScreen } from './lazy-screen.tsx'

export { Notice } from './plain-notice.tsx'

/** What went wrong and what to do: words for every error, which most visits never need. */
export const Failure = lazyScreen<FailureProps>(async () => (await import('./explained.tsx')).Explained)

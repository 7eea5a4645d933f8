import { JikoError } from '../protocol/error.ts'

/** What IndexedDB throws, in our codes. Anything else passes unchanged, so that a mistake of ours stays visible. */
export function asStorageError(error: unknown): unknown {
  if (!(error instanceof DOMException)) return error
  if (error.name === 'QuotaExceededError') {
    return new JikoError(
      'storage/quota',
      'The device has no room left: nothing was saved. Free some space and retry.',
      {
        cause: error,
      },
    )
  }
  if (error.name === 'VersionError') {
    return new JikoError('storage/outdated', 'A newer version of the app has opened this data: reload the page.', {
      cause: error,
    })
  }
  return new JikoError('storage/failed', `The database failed (${error.name}: ${error.message}): nothing was saved.`, {
    cause: error,
  })
}

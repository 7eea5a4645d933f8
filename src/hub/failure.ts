import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { JikoError } from '../protocol/error.ts'

/** What a failure is in HTTP. A code that is not here is our own fault: 500, and its message stays in the log. */
const STATUS: Readonly<Record<string, ContentfulStatusCode>> = {
  'hub/bad-request': 400,
  'hub/not-gzip': 400,
  'hub/cut-off': 400,
  'hub/unsigned': 401,
  'hub/bad-signature': 401,
  'hub/bad-token': 401,
  'hub/token-over': 401,
  'hub/not-your-stream': 403,
  'hub/not-proven': 403,
  'hub/not-a-reader': 403,
  'hub/revoked': 403,
  'hub/not-enrolled': 403,
  'hub/not-a-carrier': 403,
  'hub/not-allowed': 403,
  'hub/bad-invitation': 403,
  'hub/unknown-device': 403,
  'hub/no-program': 404,
  'hub/not-found': 404,
  'hub/no-blob': 404,
  'hub/no-record': 404,
  'hub/wrong-offset': 409,
  'hub/too-large': 413,
  'hub/not-compressed': 415,
  'hub/hash-mismatch': 422,
  'hub/too-often': 429,
  'hub/busy': 503,
}

export interface Failure {
  status: ContentfulStatusCode
  body: { error: { code: string; message: string } }
}

/** The status and the JSON body for an error; nothing of an unexpected error's text leaves the hub. */
export function describeFailure(error: unknown): Failure {
  const status = error instanceof JikoError ? STATUS[error.code] : undefined
  if (!(error instanceof JikoError) || status === undefined) {
    return { status: 500, body: { error: { code: 'hub/internal', message: 'the hub failed; nothing was stored' } } }
  }
  return { status, body: { error: { code: error.code, message: error.message } } }
}

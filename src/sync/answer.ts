import { JikoError } from '../protocol/error.ts'
import { SyncResponse } from '../protocol/hub.ts'
import { parseJson, parseWith } from '../protocol/parse.ts'
import type { Reply } from './transport.ts'

/** Lenient: what is broken in it is told by the parser, not by a second failure. */
const text = ({ body }: Reply): string => new TextDecoder().decode(body)

const portal = (what: string): JikoError =>
  new JikoError('sync/captive-portal', `${what}: this network wants a login first, or is not the way to the hub`)

/**
 * The hub's answer to a sync. Only the explicit envelope is a success: captive portals answer 200 too.
 * @throws JikoError `sync/captive-portal`, `sync/truncated`, `sync/bad-answer`, or what `refusal` says.
 */
export function readAnswer(reply: Reply): SyncResponse {
  if (reply.status !== 200) throw refusal(reply)
  const body = text(reply)
  if (!/^\s*\{\s*"jiko"\s*:/.test(body)) throw portal(`got ${JSON.stringify(body.slice(0, 40))}`)
  const data = parseJson(body, 'sync/truncated', "the hub's answer was cut short: it")
  return parseWith(SyncResponse, data, 'sync/bad-answer', "the hub's answer")
}

/** Why a request was not granted, for anything but the expected status. Nothing is lost by any of these. */
export function refusal(reply: Reply): JikoError {
  const { status, headers } = reply
  if (status === 0) return portal('got a redirect')
  if (status === 511 || status < 300) return portal(`got status ${status}`)
  const said = hubError(text(reply))
  const message = `the hub answered ${status}${said ? `: ${said.message}` : ''}`
  const detail = { status, ...(said && { hub: said.code }), ...retryAfter(headers) }
  if (status === 413) return new JikoError('sync/too-large', message, { detail })
  if (status === 429 || status === 503) return new JikoError('sync/busy', message, { detail })
  if (said?.code === 'hub/not-enrolled') return new JikoError('sync/not-enrolled', message, { detail })
  if (said && (status === 401 || status === 403)) return new JikoError('sync/refused', message, { detail })
  return new JikoError('sync/hub-error', message, { detail })
}

function hubError(body: string): { code: string; message: string } | undefined {
  try {
    const { error } = JSON.parse(body)
    if (typeof error?.code === 'string' && typeof error.message === 'string') return error
  } catch {
    // Whatever stands between us and the hub speaks in pages.
  }
  return undefined
}

/** Milliseconds of a `Retry-After` in seconds; the date form is left alone, since phones' clocks lie. */
function retryAfter(headers: Headers): { retryAfter?: number } {
  const value = headers.get('retry-after') ?? ''
  return /^\d{1,6}$/.test(value) ? { retryAfter: Number(value) * 1000 } : {}
}

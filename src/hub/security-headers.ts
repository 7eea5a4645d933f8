/**
 * Everything comes from here and nothing runs that was not built in. Cross-origin isolation (COOP and COEP) is left to the
 * app's service worker: it does it on every host, and costs no byte on the wire.
 */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "object-src 'none'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
  "form-action 'self'",
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(self), microphone=(self), geolocation=(self), payment=(), usb=()',
} as const

/** What is no document may do nothing at all: shorter to say, and phones pay for each byte of every sync. */
const DATA_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
} as const

/** Sets what the answer has not set stricter itself. */
export function addSecurityHeaders(headers: Headers): void {
  const wanted = headers.get('content-type')?.startsWith('application/json') ? DATA_HEADERS : HEADERS
  for (const [name, value] of Object.entries(wanted)) if (!headers.has(name)) headers.set(name, value)
}

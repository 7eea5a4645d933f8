import { JikoError } from '../protocol/error.ts'

/** What the server that received the request knows of it. */
export interface HubEnv {
  /** Of the socket, never of a header. */
  remoteAddress?: string | undefined
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/
const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]'])
/** Set by proxies: the socket's address is then the proxy's, and says nothing about who asks. */
const FORWARDING = ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via']

/**
 * True for a person at the hub's own machine. The host counts as well as the socket: a page on the web that has its name
 * resolve to 127.0.0.1 makes a browser here ask with that name.
 */
export function isLocal(request: Request, { remoteAddress }: HubEnv): boolean {
  if (remoteAddress === undefined || !LOOPBACK.test(remoteAddress)) return false
  if (FORWARDING.some((name) => request.headers.has(name))) return false
  return LOCAL_HOSTS.has(new URL(request.url).hostname)
}

/** @throws JikoError `hub/not-a-reader` for anybody but a person at the hub's own machine. */
export function checkHost(request: Request, env: HubEnv): void {
  if (isLocal(request, env)) return
  throw new JikoError('hub/not-a-reader', 'this is told only on the computer that runs the hub, at localhost')
}

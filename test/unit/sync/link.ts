/** What happens to one request: it may forward it any number of times, or not at all. */
export type Fault = (forward: () => Promise<Response>, request: Request) => Promise<Response>

export interface Link {
  fetch(url: string, init: RequestInit): Promise<Response>
  /** Every request that left the phone, also those that got nowhere. */
  readonly seen: { method: string; path: string; bytes: number }[]
  /** Faults of the next requests, in order; none left is a good link. */
  next(...faults: Fault[]): void
  /** From here on the link is good. */
  clear(): void
  /** Asked for each request when `next` has nothing. */
  weather: (request: Request) => Fault | undefined
}

/** The road from a phone to a hub in the same process, without a port and without a clock. */
export function createLink(hub: (request: Request) => Promise<Response>): Link {
  const queue: Fault[] = []
  const link: Link = {
    seen: [],
    next: (...faults) => void queue.push(...faults),
    clear: () => void queue.splice(0),
    weather: () => undefined,
    async fetch(url, init) {
      const { body, method = 'GET', headers } = init
      const bytes =
        body instanceof Uint8Array
          ? (body as Uint8Array<ArrayBuffer>)
          : body
            ? new Uint8Array(await new Response(body).arrayBuffer())
            : undefined
      const build = (): Request => new Request(url, { method, headers: headers ?? {}, ...(bytes && { body: bytes }) })
      link.seen.push({ method, path: new URL(url).pathname, bytes: bytes?.length ?? 0 })
      init.signal?.throwIfAborted()
      const fault = queue.shift() ?? link.weather(build())
      return fault ? fault(async () => hub(build()), build()) : hub(build())
    },
  }
  return link
}

const broken = (): TypeError => new TypeError('fetch failed')
const html = '<!doctype html><title>Hotel Wi-Fi</title>Please log in'

export const faults = {
  none: (forward) => forward(),
  /** No connection at all. */
  refused: async () => {
    throw broken()
  },
  /** The hub did everything; its answer is lost. */
  answerLost: async (forward) => {
    await forward()
    throw broken()
  },
  /** Sent three times at once, by some proxy. */
  thrice: async (forward) => {
    const [first] = await Promise.all([forward(), forward(), forward()])
    return first as Response
  },
  portalPage: async () => new Response(html, { headers: { 'content-type': 'text/html' } }),
  portalJson: async () => Response.json({ ok: true }),
  portalRedirect: async () => new Response(null, { status: 302, headers: { location: 'http://login.test/' } }),
  portalNoContent: async () => new Response(null, { status: 204 }),
  portalStatus: async () => new Response(html, { status: 511 }),
  tooLarge: async () => new Response('too big', { status: 413 }),
  tooOften: async () => new Response('slowly', { status: 429, headers: { 'retry-after': '120' } }),
  failing: async () => new Response('Internal Server Error', { status: 500 }),
  unavailable: async () => new Response('Service Unavailable', { status: 503 }),
} satisfies Record<string, Fault>

/** The answer breaks off after `bytes`, noticed by the client or not. */
export const cutAnswer =
  (bytes: number, noticed: boolean): Fault =>
  async (forward) => {
    const response = await forward()
    const body = new Uint8Array(await response.arrayBuffer()).slice(0, bytes)
    let sent = false
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent) return controller.error(broken())
        sent = true
        controller.enqueue(body)
      },
    })
    return new Response(noticed ? stream : body, { status: response.status, headers: response.headers })
  }

/** The hub gets the first `bytes` of the body, then the connection dies under both. */
export const cutRequest =
  (bytes: number, hub: (request: Request) => Promise<Response>): Fault =>
  async (forward, request) => {
    const whole = new Uint8Array(await request.arrayBuffer())
    if (whole.length <= bytes) return forward()
    let at = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at >= bytes) return controller.error(broken())
        const end = Math.min(bytes, at + 1000)
        controller.enqueue(whole.slice(at, end))
        at = end
      },
    })
    await hub(
      new Request(request.url, {
        method: request.method,
        headers: request.headers,
        body,
        duplex: 'half',
      } as RequestInit),
    ).catch(() => undefined)
    throw broken()
  }

/** The hub's answer, changed on its way. */
export const tamper =
  (change: (answer: Record<string, unknown>) => unknown): Fault =>
  async (forward) => {
    const response = await forward()
    return new Response(JSON.stringify(change(JSON.parse(await response.text()))), response)
  }

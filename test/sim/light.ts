/**
 * The platform's Request, Response and Blob, as far as phones and hubs use them, without their threads, timers and
 * streams: they are most of what a history costs, and none of what it tries.
 */
type Body = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | string | null | undefined

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A stream of one part, or of those of a real one. */
function readerOf(body: Uint8Array<ArrayBuffer>) {
  let read = false
  return {
    async read() {
      if (read) return { done: true as const, value: undefined }
      read = true
      return { done: false as const, value: body }
    },
    cancel: async () => undefined,
  }
}

class LightBody {
  readonly #bytes: Uint8Array<ArrayBuffer> | undefined
  readonly #stream: ReadableStream<Uint8Array> | undefined
  constructor(body: Body) {
    if (typeof body === 'string') this.#bytes = encoder.encode(body)
    else if (body instanceof Uint8Array) this.#bytes = body
    else if (body) this.#stream = body
  }
  get body() {
    const bytes = this.#bytes
    return this.#stream ?? (bytes && { getReader: () => readerOf(bytes) }) ?? null
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    const parts: Uint8Array[] = []
    const reader = this.body?.getReader()
    while (reader) {
      const { done, value } = await reader.read()
      if (done) break
      parts.push(value)
    }
    return new Uint8Array(Buffer.concat(parts)).buffer
  }
  text = async (): Promise<string> => decoder.decode(await this.arrayBuffer())
  json = async (): Promise<unknown> => JSON.parse(await this.text())
  blob = async (): Promise<LightBlob> => new LightBlob([new Uint8Array(await this.arrayBuffer())])
}

interface Init {
  method?: string
  status?: number
  headers?: HeadersInit
  body?: Body
}

export class LightRequest extends LightBody {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  constructor(url: string, { method = 'GET', headers, body }: Init = {}) {
    super(body)
    this.url = url
    this.method = method
    this.headers = new Headers(headers)
  }
}

export class LightResponse extends LightBody {
  readonly status: number
  readonly headers: Headers
  readonly type = 'basic'
  constructor(body?: Body, { status = 200, headers }: Init = {}) {
    super(body)
    this.status = status
    this.headers = new Headers(headers)
  }
  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }
  static json = (data: unknown, init?: Init): LightResponse => new LightResponse(JSON.stringify(data), init)
}

export class LightBlob {
  readonly #bytes: Uint8Array<ArrayBuffer>
  readonly type: string
  constructor(parts: readonly (ArrayBuffer | Uint8Array | LightBlob)[] = [], { type = '' }: { type?: string } = {}) {
    const all = parts.map((part) => (part instanceof LightBlob ? part.#bytes : new Uint8Array(part as ArrayBuffer)))
    this.#bytes = all.length === 1 && all[0] ? (all[0] as Uint8Array<ArrayBuffer>) : new Uint8Array(Buffer.concat(all))
    this.type = type
  }
  get size(): number {
    return this.#bytes.length
  }
  slice = (from = 0, to = this.size): LightBlob => new LightBlob([this.#bytes.slice(from, to)])
  arrayBuffer = async (): Promise<ArrayBuffer> => this.#bytes.slice().buffer
  stream = (): LightBody['body'] => new LightBody(this.#bytes).body
}

/** A codec without streams around it. */
export function createLightCodec(code: (format: string, data: Uint8Array) => Uint8Array) {
  return class {
    readonly writable
    readonly readable
    constructor(format: string) {
      const parts: Uint8Array[] = []
      let failed: unknown
      let result: Uint8Array | undefined
      this.writable = {
        getWriter: () => ({
          write: async (part: Uint8Array) => void parts.push(part),
          async close() {
            try {
              result = code(format, parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts))
            } catch (error) {
              failed = error
              throw error
            }
          },
        }),
      }
      this.readable = {
        getReader: () => ({
          async read() {
            while (result === undefined && failed === undefined) await undefined
            if (failed !== undefined) throw failed
            const value = result
            result = new Uint8Array(0)
            return value && value.length > 0 ? { done: false, value } : { done: true, value: undefined }
          },
          cancel: async () => undefined,
        }),
      }
    }
  }
}

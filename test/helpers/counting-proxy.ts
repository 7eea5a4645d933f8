import { type AddressInfo, connect, createServer } from 'node:net'

export interface CountingProxy {
  readonly url: string
  /** Bytes that went to the server and came from it, headers and all. */
  readonly wire: { up: number; down: number }
  close(): Promise<void>
}

/** Stands before a server and counts every byte of its connections. */
export async function createCountingProxy(target: URL): Promise<CountingProxy> {
  const wire = { up: 0, down: 0 }
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    client.on('data', (part) => {
      wire.up += part.length
    })
    upstream.on('data', (part) => {
      wire.down += part.length
    })
    client.pipe(upstream).pipe(client)
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    wire,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

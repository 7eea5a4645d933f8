import { type AddressInfo, connect, createServer } from 'node:net'

export interface CountingProxy {
  readonly url: string
  /** Bytes that went to the server and came from it, headers and all. */
  readonly wire: { up: number; down: number }
  close(): Promise<void>
}

/**
 * Stands before a server and counts every byte of its connections.
 * @param most bytes that one connection carries to the server before it dies under both.
 */
export async function createCountingProxy(target: URL, most = Number.POSITIVE_INFINITY): Promise<CountingProxy> {
  const wire = { up: 0, down: 0 }
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    let carried = 0
    client.on('data', (part) => {
      const some = part.subarray(0, most - carried)
      carried += some.length
      wire.up += some.length
      // What was carried arrives before the connection is found dead.
      if (carried < most) upstream.write(some)
      else upstream.end(some, () => upstream.destroySoon())
      if (carried >= most) client.destroy()
    })
    client.on('end', () => upstream.end())
    upstream.on('data', (part) => {
      wire.down += part.length
    })
    upstream.pipe(client)
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

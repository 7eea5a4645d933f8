/**
 * Phones in a process of their own, for benches: `fork` it, say how many, then each time to which hubs. Their requests are made
 * and signed before the clock starts; all want to send at once, each over a connection of its own.
 */
import type { SyncResponse } from '../../src/protocol/hub.ts'
import { createFakePhone, resultLine } from './fake-phone.ts'

export interface Prepare {
  type: 'prepare'
  phones: number
  results: number
}
export interface Send {
  type: 'send'
  /** Each phone has one of them, in turns. */
  hubs: readonly string[]
}
export type ToPhones = Prepare | Send
export interface Sent {
  /** Seconds until each had its receipt. */
  took: number[]
  refused: number
  /** Connections that broke and were made again. */
  broken: number
}
export type FromPhones = { type: 'ready' } | ({ type: 'sent' } & Sent)

interface Waiting {
  body: Uint8Array<ArrayBuffer>
  headers: [string, string][]
  stream: string
  hash: string
}

/** As a phone does where a connection breaks, but sooner: a bench has no night to wait for. */
const AGAIN = 200

async function prepare({ phones, results }: Prepare): Promise<Waiting[]> {
  const waiting: Waiting[] = []
  for (let i = 0; i < phones; i++) {
    const phone = await createFakePhone()
    await phone.append(...Array.from({ length: results }, (_, n) => resultLine(`leaf ${n}`)))
    const request = await phone.seal(await phone.request({ from: 1 }), 'http://localhost')
    waiting.push({
      body: new Uint8Array(await request.arrayBuffer()),
      headers: [...request.headers],
      stream: phone.stream,
      hash: phone.hashAt(results),
    })
  }
  return waiting
}

async function send(waiting: readonly Waiting[], hubs: readonly string[]): Promise<Sent> {
  const sent: Sent = { took: [], refused: 0, broken: 0 }
  const begun = performance.now()
  await Promise.all(
    waiting.map(async ({ body, headers, stream, hash }, i) => {
      const url = `${hubs[i % hubs.length]}/v1/default/sync`
      for (;;) {
        try {
          const response = await fetch(url, { method: 'POST', headers, body })
          const answer = await response.json()
          if (response.status !== 200) sent.refused += 1
          else if ((answer as SyncResponse).ack[stream]?.hash !== hash)
            throw new RangeError('a receipt for something else')
          break
        } catch (error) {
          if (error instanceof RangeError) throw error
          sent.broken += 1
          await new Promise((resolve) => setTimeout(resolve, AGAIN * (1 + Math.random())))
        }
      }
      sent.took.push((performance.now() - begun) / 1000)
    }),
  )
  return sent
}

let waiting: Waiting[] = []
process.on('message', async (message: ToPhones) => {
  if (message.type === 'prepare') {
    waiting = await prepare(message)
    process.send?.({ type: 'ready' } satisfies FromPhones)
  } else process.send?.({ type: 'sent', ...(await send(waiting, message.hubs)) } satisfies FromPhones)
})

import { createHub, type Hub, type HubOptions } from '../../src/hub/app.ts'
import { createMemoryBlobs } from '../../src/hub/blob-store/memory.ts'
import { createMemoryStore } from '../../src/hub/store/memory.ts'
import type { HubStore } from '../../src/hub/store/store.ts'
import type { HubRecord, SyncRequest, SyncResponse } from '../../src/protocol/hub.ts'
import { createSigner, generateKeyPair } from '../../src/protocol/sign.ts'
import type { FakePhone, Tampering } from './fake-phone.ts'

export const ORIGIN = 'http://localhost:8080'

/** A hub as a function, its clock in the test's hand. */
export interface TestHub extends Hub {
  store: HubStore
  /** Public key that signs the receipts. */
  key: string
  clock: { now: number }
  log: string[]
  reports: string[]
  /** Asks from the hub's own machine. */
  ask(path: string, init?: RequestInit): Promise<Response>
  records(): Promise<HubRecord[]>
  /** Sends a request of a phone that the hub must take. */
  sync(phone: FakePhone, push?: { from: number; to?: number }): Promise<SyncResponse>
  /** Sends anything, from anywhere. */
  send(phone: FakePhone, body: SyncRequest | unknown, tampering?: Tampering): Promise<Response>
}

export async function createTestHub(change: Partial<HubOptions> = {}): Promise<TestHub> {
  const store = change.store ?? createMemoryStore()
  await store.addProgram('default', 0)
  const signer = await createSigner(await generateKeyPair(true))
  const clock = { now: 1_800_000_000_000 }
  const log: string[] = []
  const reports: string[] = []
  const hub = createHub({
    blobs: createMemoryBlobs(),
    signer,
    version: '0.0.0-test',
    now: () => clock.now,
    log: (line) => log.push(line),
    report: (line) => reports.push(line),
    ...change,
    store,
  })
  const env = { remoteAddress: '127.0.0.1' }

  async function send(phone: FakePhone, body: unknown, tampering?: Tampering): Promise<Response> {
    return await hub.fetch(await phone.seal(body, ORIGIN, tampering), { remoteAddress: '192.168.1.20' })
  }

  return {
    ...hub,
    store,
    key: signer.key,
    clock,
    log,
    reports,
    send,
    ask: (path, init) => hub.fetch(new Request(ORIGIN + path, init), env),
    async records() {
      const response = await hub.fetch(new Request(`${ORIGIN}/v1/default/records`), env)
      const lines = (await response.text()).split('\n').filter(Boolean)
      return lines.map((line) => JSON.parse(line) as HubRecord)
    },
    async sync(phone, push) {
      const response = await send(phone, await phone.request(push))
      if (response.status !== 200) throw new Error(`the hub answered ${response.status}: ${await response.text()}`)
      return (await response.json()) as SyncResponse
    },
  }
}

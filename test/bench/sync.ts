import { createHub } from '../../src/hub/app.ts'
import { createMemoryBlobs } from '../../src/hub/blob-store/memory.ts'
import { createMemoryStore } from '../../src/hub/store/memory.ts'
import type { ResultBody } from '../../src/protocol/record.ts'
import { createSigner, generateKeyPair } from '../../src/protocol/sign.ts'
import { openMemoryStore } from '../../src/store/open.ts'
import { createMemoryLock } from '../../src/sync/memory-lock.ts'
import { createSync } from '../../src/sync/sync.ts'

const LABELS = ['healthy', 'leaf_miner', 'rust', 'phoma', 'cercospora']

/** A season's walk through a field: times, answers and durations as they come, all else as the app writes it. */
function createResults(): () => ResultBody {
  let state = 7
  const random = (): number => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return state / 0x7fffffff
  }
  let mono = 0
  return () => {
    mono += Math.floor(random() * 90_000)
    const weights = LABELS.map((label) => ({ label, weight: random() ** 4 }))
    const sum = weights.reduce((total, { weight }) => total + weight, 0)
    const scores = weights
      .map(({ label, weight }) => [label, Math.round((weight / sum) * 1e4) / 1e4] as [string, number])
      .sort((a, b) => b[1] - a[1])
    const [label, score] = scores[0] ?? ['healthy', 1]
    return {
      v: 1,
      kind: 'result',
      at: { wall: 1_790_000_000_000 + mono, mono, session: 'k3v5q2xa', zone: 180 },
      task: 'image-classification',
      pack: { name: 'coffee-leaf', version: '1.0.0', digest: '9f86d081884c7d659a2feaa0c55ad015'.repeat(2) },
      variant: 'int8',
      backend: 'nano 1.0.0',
      prep: '1',
      answer: { kind: 'classes', label, score, sure: score >= 0.6 },
      scores,
      threshold: 0.6,
      ms: 30 + Math.floor(random() * 40),
      attachments: [],
    }
  }
}

/** Bodies of requests and answers, without HTTP's own headers. */
async function measure(count: number): Promise<{ up: number; down: number; requests: number; line: number }> {
  const hubStore = createMemoryStore()
  await hubStore.addProgram('default', 0)
  const hub = createHub({
    store: hubStore,
    blobs: createMemoryBlobs(),
    signer: await createSigner(await generateKeyPair(false)),
    version: 'bench',
  })
  const store = await openMemoryStore()
  const wire = { up: 0, down: 0, requests: 0 }
  const sync = createSync({
    store,
    hubUrl: 'http://hub.test',
    program: 'default',
    app: 'jiko 0.1.0',
    lock: createMemoryLock(),
    // As over a link where every request takes three seconds: batches grow as they would on a phone.
    moment: () => ({ wall: 1_790_000_000_000, mono: wire.requests * 3000, session: 'k3v5q2xa' }),
    async fetch(url, init) {
      wire.requests += 1
      wire.up += (init.body as Uint8Array).length
      const answer = await (await hub.fetch(new Request(url, init))).arrayBuffer()
      wire.down += answer.byteLength
      return new Response(answer)
    },
  })
  const next = createResults()
  let line = 0
  // The first contact is behind us: one record is there already.
  await store.append(next())
  await sync.now()
  Object.assign(wire, { up: 0, down: 0, requests: 0 })
  for (let i = 0; i < count; i++) line += (await store.append(next())).line.length
  const { allSent, lastError } = await sync.now()
  if (!allSent) throw new Error(`the sync failed: ${lastError}`)
  return { ...wire, line: count === 0 ? 0 : line / count }
}

/** Bytes that results cost on the wire, by how many wait when there is a link. */
export async function bench(): Promise<void> {
  const idle = await measure(0)
  console.log(`idle sync: ${idle.up} bytes up, ${idle.down} down`)
  console.log('results  requests  bytes up  a result  of which lines  bytes down  (a line is that many bytes)')
  for (const count of [1, 10, 50, 500]) {
    const { up, down, requests, line } = await measure(count)
    const envelope = idle.up * requests
    const columns = [count, requests, up, (up / count).toFixed(1), ((up - envelope) / count).toFixed(1), down]
    const widths = [7, 9, 9, 9, 15, 11]
    console.log(`${columns.map((value, i) => String(value).padStart(widths[i] ?? 0)).join(' ')}  (${line.toFixed(0)})`)
  }
}

import { sleep } from '../../../src/lib/abort.ts'
import { toHex } from '../../../src/lib/bytes.ts'
import { sha256 } from '../../../src/lib/sha256.ts'
import { openStore } from '../../../src/store/open.ts'
import type { NewAttachment } from '../../../src/store/store.ts'
import { createWebLock } from '../../../src/sync/lock.ts'
import type { SyncStatus } from '../../../src/sync/status.ts'
import { createSync } from '../../../src/sync/sync.ts'
import { correction, result, retract } from '../../unit/store/samples.ts'

/** Tells the test that the phone has said "saved": what was told so must never be missing. */
declare const saved: (label: string) => Promise<void>

/**
 * A phone's store and sync over the browser's own IndexedDB, Web Locks, WebCrypto and fetch. Bundled by the simulator, which calls
 * these by `page.evaluate` and kills the browser under them.
 */
const store = await openStore({ name: 'jiko', channel: new BroadcastChannel('jiko') })
const sync = createSync({
  store,
  fetch: (url, init) => fetch(url, init),
  hubUrl: new URL('/', location.href).href,
  program: 'default',
  app: 'chromium',
  lock: createWebLock(navigator.locks),
  moment: () => ({ wall: Date.now(), mono: Math.round(performance.now()), session: 'run' }),
  // A test has less time than a field.
  sleep: (ms, signal) => sleep(Math.min(ms, 100), signal),
})

async function noise(size: number): Promise<NewAttachment> {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return { sha256: toHex(await sha256(bytes)), type: 'image/jpeg', bytes }
}

async function latest(): Promise<{ id: string; heads: string[] } | undefined> {
  const [item] = await store.history({ limit: 1 })
  if (!item) return undefined
  const said = item.changes.filter(({ body }) => body.kind === 'correction')
  return {
    id: `${item.record.stream}/${item.record.seq}`,
    heads: said.map(({ stream, seq }) => `${stream}/${seq}`),
  }
}

/** All rows of a database, as they lie there; of bytes only how many. */
function rowsOf(db: IDBDatabase, table: string): Promise<[IDBValidKey, unknown][]> {
  return new Promise((resolve, reject) => {
    const rows: [IDBValidKey, unknown][] = []
    const request = db.transaction(table).objectStore(table).openCursor()
    request.onerror = () => reject(request.error)
    request.onsuccess = () => {
      const cursor = request.result
      if (!cursor) return resolve(rows)
      const { bytes, ...row } = cursor.value
      rows.push([cursor.key, bytes instanceof ArrayBuffer ? { ...row, bytes: bytes.byteLength } : cursor.value])
      cursor.continue()
    }
  })
}

const phone = {
  /** @param sizes bytes of its photos; those of at most 12 KB are previews. */
  async write(label: string, sizes: readonly number[] = []): Promise<void> {
    const files = await Promise.all(
      sizes.map(async (size) => ({ ...(await noise(size)), ...(size <= 12_288 && { preview: true }) })),
    )
    const attachments = files.map(({ sha256, type, bytes, ...file }) => {
      const role = 'preview' in file ? ('preview' as const) : ('input' as const)
      return { sha256, type, bytes: bytes.length, role }
    })
    // The mistake that a test makes on purpose: to say so before it is true.
    if (location.hash === '#hasty') {
      await saved(label)
      await new Promise((resolve) => setTimeout(resolve, 60_000))
    }
    await store.append(result(label, { attachments }), files)
    if (location.hash !== '#hasty') await saved(label)
  },
  async correct(value: string, blind: boolean): Promise<void> {
    const about = await latest()
    if (!about) return
    const clock = await store.tick(Date.now())
    await store.append({ ...correction(about.id, value, blind ? [] : about.heads), clock } as ReturnType<
      typeof correction
    >)
  },
  async retract(): Promise<void> {
    const about = await latest()
    if (about) await store.append(retract(about.id))
  },
  /** Gives the order to erase the newest result; its label. */
  async erase(): Promise<string | undefined> {
    const [newest] = await store.list({ limit: 1, kind: 'result' })
    if (newest?.body.kind !== 'result' || newest.body.answer.kind !== 'classes') return undefined
    await store.erase(`${newest.stream}/${newest.seq}`, { at: newest.body.at })
    return newest.body.answer.label
  },
  sync: (): Promise<SyncStatus> => sync.now(),
  status: (): Promise<SyncStatus> => sync.status(),
  trust: (key: string): Promise<void> => sync.trustHub(key),
  prune: (bytes: number): Promise<number> => store.prune({ bytes }),
  async rows(): Promise<Record<string, [IDBValidKey, unknown][]>> {
    const db = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open('jiko')
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
    const tables = ['records', 'streams', 'attachments', 'uploads', 'known', 'actors', 'settings']
    const all = await Promise.all(tables.map(async (table) => [table, await rowsOf(db, table)] as const))
    db.close()
    return Object.fromEntries(all)
  },
}
export type PhonePage = typeof phone

Object.assign(globalThis, { phone })

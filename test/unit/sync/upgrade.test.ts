import 'fake-indexeddb/auto'
import { type IDBPDatabase, openDB } from 'idb'
import { expect, it } from 'vitest'
import { randomBytes, toBase64Url } from '../../../src/lib/bytes.ts'
import { EMPTY_HASH, nextHash, streamId } from '../../../src/protocol/log.ts'
import { createSigner, generateKeyPair } from '../../../src/protocol/sign.ts'
import { createConnection } from '../../../src/store/connection.ts'
import { openStore } from '../../../src/store/open.ts'
import { VERSION } from '../../../src/store/schema.ts'
import { photo, result, resultWith } from '../store/samples.ts'
import { createPhone, createTestHub, PROGRAM } from './world.ts'

const UNSENT = 1000
const HELD = 5

/**
 * A phone as an older version of the app left it, written as that version wrote: 5 records that a hub holds, 1,000 unsent
 * ones, one photo that waits and one that a hub has.
 */
async function leaveBehind(name: string, version: number) {
  await createConnection(name, undefined, version).use(async (db) => db.close())
  const db: IDBPDatabase = await openDB(name, version)
  const pair = await generateKeyPair(false)
  const epoch = toBase64Url(randomBytes(16))
  const stream = await streamId((await createSigner(pair)).key, epoch)
  const files = { waiting: await photo(1), sent: await photo(2) }
  const lines = Array.from({ length: HELD + UNSENT }, (_, i) => {
    const file = [files.sent, files.waiting][i]
    return JSON.stringify(file ? resultWith(file, `label ${i}`) : result(`label ${i}`))
  })
  let hash = EMPTY_HASH
  const rows = []
  for (const [i, line] of lines.entries()) {
    hash = await nextHash(hash, line)
    rows.push({ stream, seq: i + 1, line, hash })
  }
  const write = db.transaction(['records', 'streams', 'attachments', 'uploads', 'keys'], 'readwrite')
  for (const row of rows) void write.objectStore('records').put(row)
  void write.objectStore('streams').put({ stream, epoch, born: 1, tip: lines.length, hash, held: HELD, final: 0 })
  void write.objectStore('keys').put(pair, 'device')
  for (const { sha256, type, bytes } of [files.waiting, files.sent]) {
    void write.objectStore('attachments').put({ sha256, type, bytes: bytes.slice().buffer })
  }
  const upload = { type: 'image/jpeg', size: 1000 }
  const { waiting, sent } = files
  if (version === 1) {
    void write.objectStore('uploads').put({ sha256: waiting.sha256, ...upload, order: [1, 2] })
  } else {
    void write.objectStore('uploads').put({ sha256: waiting.sha256, ...upload, preview: false, order: [1, 1, 2] })
    void write.objectStore('uploads').put({ sha256: sent.sha256, ...upload, preview: false, order: [2, 1, 1] })
  }
  await write.done
  db.close()
  return { lines, stream, files }
}

it.each(Array.from({ length: VERSION - 1 }, (_, i) => [VERSION - 1 - i, i + 1]))(
  'a phone %i versions old (of schema %i) sends its 1,000 unsent records first, whatever is written after the update',
  async (_, version) => {
    const name = `old-${version}`
    const { lines, stream, files } = await leaveBehind(name, version)
    const store = await openStore({ name })
    const next = await store.append(result('after the update'))
    expect(next).toMatchObject({ stream, seq: lines.length + 1 })
    const hub = await createTestHub()
    const phone = await createPhone(hub, { store })
    expect(await phone.sync.status()).toMatchObject({
      local: UNSENT + 1,
      held: HELD,
      blobsWaiting: 1,
      blobsHeld: 1,
      allSent: false,
    })
    const status = await phone.sync.now()
    expect(status).toMatchObject({ local: 0, final: lines.length + 1, blobsWaiting: 0, blobsHeld: 0, allSent: true })
    const there = await hub.store.lines(PROGRAM, stream, 1, 10_000)
    expect(there.map(({ line }) => line)).toEqual([...lines, next.line])
    for (const { sha256 } of Object.values(files)) {
      expect(await hub.store.namedBlob(PROGRAM, sha256)).toMatchObject({ whole: true })
    }
    store.close()
  },
)

it('an upgrade that is killed midway leaves the older version whole, and the next start upgrades', async () => {
  const name = 'killed'
  const { lines, stream } = await leaveBehind(name, 1)
  const { put } = IDBObjectStore.prototype
  let puts = 0
  IDBObjectStore.prototype.put = function (...args) {
    puts += 1
    if (puts === 2) throw new DOMException('the device is full', 'QuotaExceededError')
    return put.apply(this, args)
  }
  await expect(openStore({ name })).rejects.toMatchObject({ code: expect.stringMatching(/^storage\//) })
  IDBObjectStore.prototype.put = put
  const old = await openDB(name)
  expect([old.version, await old.count('records')]).toEqual([1, lines.length])
  old.close()
  const store = await openStore({ name })
  expect(await store.streams()).toMatchObject([{ stream, tip: lines.length }])
  expect(await store.countAttachments()).toEqual({ previews: 0, full: 1, held: 1, unseen: 0 })
  store.close()
})

import 'fake-indexeddb/auto'
import { forceCloseDatabase } from 'fake-indexeddb'
import { deleteDB, openDB } from 'idb'
import { afterEach, describe, expect, it } from 'vitest'
import { createConnection } from '../../../src/store/connection.ts'
import { openStore } from '../../../src/store/open.ts'
import { VERSION } from '../../../src/store/schema.ts'
import { type Bench, describeRecordStore } from './contract.ts'
import { photo, result, resultWith } from './samples.ts'

let databases = 0
const freshName = (): string => `jiko-test-${++databases}`

const { put, delete: remove } = IDBObjectStore.prototype
const { open } = IDBFactory.prototype
const { transaction } = IDBDatabase.prototype
afterEach(() => {
  IDBObjectStore.prototype.put = put
  IDBObjectStore.prototype.delete = remove
  IDBFactory.prototype.open = open
  IDBDatabase.prototype.transaction = transaction
})

function createBench(): Bench {
  const name = freshName()
  return {
    open: () => openStore({ name }),
    failAfter(count) {
      let left = count
      const check = (): void => {
        if (left === 0) throw new DOMException('full', 'QuotaExceededError')
        if (left > 0) left -= 1
      }
      IDBObjectStore.prototype.put = function (...args) {
        check()
        return put.apply(this, args)
      }
      IDBObjectStore.prototype.delete = function (...args) {
        check()
        return remove.apply(this, args)
      }
    },
  }
}

describeRecordStore('a record store in IndexedDB', createBench)

/** Every connection and transaction that the store opens from now on. */
function watch() {
  const connections: IDBDatabase[] = []
  const transactions: IDBTransaction[] = []
  IDBDatabase.prototype.transaction = function (...args) {
    if (!connections.includes(this)) connections.push(this)
    const tx = transaction.apply(this, args)
    transactions.push(tx)
    return tx
  }
  return { connections, transactions }
}

describe('IndexedDB under the record store', () => {
  it('asks for strict durability on every write, and writes a record in one transaction', async () => {
    const store = await openStore({ name: freshName() })
    await store.append(result())
    const { transactions } = watch()
    const file = await photo(1)
    await store.append(resultWith(file), [file])
    expect(transactions.map(({ mode, durability }) => [mode, durability])).toEqual([['readwrite', 'strict']])
    store.close()
  })

  it('reads a page of history in three requests, whatever lies behind it', async () => {
    const store = await openStore({ name: freshName() })
    for (let i = 0; i < 60; i++) await store.append(result(`${i}`))
    let reads = 0
    const { getAll } = IDBObjectStore.prototype
    const indexed = IDBIndex.prototype.getAll
    IDBObjectStore.prototype.getAll = function (...args) {
      reads += 1
      return getAll.apply(this, args)
    }
    IDBIndex.prototype.getAll = function (...args) {
      reads += 1
      return indexed.apply(this, args)
    }
    try {
      expect(await store.history({ limit: 20 })).toHaveLength(20)
    } finally {
      IDBObjectStore.prototype.getAll = getAll
      IDBIndex.prototype.getAll = indexed
    }
    // The streams, one range of records, one of what refers to them.
    expect(reads).toBe(3)
    store.close()
  })

  it('reopens a connection that the browser dropped, and appends exactly once', async () => {
    const store = await openStore({ name: freshName() })
    const { connections } = watch()
    await store.append(result('one'))
    for (const connection of connections) forceCloseDatabase(connection as never)
    expect(await store.append(result('two'))).toMatchObject({ seq: 2 })
    expect(await store.list()).toHaveLength(2)
    store.close()
  })

  it('does not append twice when the connection died after the commit and before the answer', async () => {
    const store = await openStore({ name: freshName() })
    await store.append(result('one'))
    let deaths = 0
    IDBDatabase.prototype.transaction = function (...args) {
      const tx = transaction.apply(this, args)
      if (args[1] !== 'readwrite' || deaths > 0) return tx
      deaths += 1
      // Committed on disk, but the page hears of a lost connection instead.
      const listen = tx.addEventListener.bind(tx)
      tx.addEventListener = (type: string, listener: EventListenerOrEventListenerObject) => {
        if (type === 'complete') return
        listen(type === 'abort' ? 'complete' : type, (event) => {
          Object.defineProperty(tx, 'error', { value: new DOMException('Connection lost', 'UnknownError') })
          if (typeof listener === 'function') listener(event)
        })
      }
      return tx
    }
    expect(await store.append(result('two'))).toMatchObject({ seq: 2 })
    expect(deaths).toBe(1)
    expect(await store.list()).toHaveLength(2)
    expect(await store.append(result('three'))).toMatchObject({ seq: 3 })
    store.close()
  })

  it('gives a clear error when reopening fails too', async () => {
    const store = await openStore({ name: freshName() })
    IDBDatabase.prototype.transaction = () => {
      throw new DOMException('Connection to Indexed Database server lost', 'UnknownError')
    }
    await expect(store.append(result())).rejects.toMatchObject({ code: 'storage/failed' })
    IDBDatabase.prototype.transaction = transaction
    expect(await store.append(result())).toMatchObject({ seq: 1 })
    store.close()
  })

  it('gives way to a newer version in another tab, then says to reload', async () => {
    const name = freshName()
    const store = await openStore({ name })
    await store.append(result())
    const newer = await openDB(name, VERSION + 1)
    await expect(store.append(result())).rejects.toMatchObject({ code: 'storage/outdated' })
    expect(await newer.getAll('records')).toHaveLength(1)
    newer.close()
    store.close()
  })

  it('does not wait for ever for a tab that keeps an older version open', async () => {
    const name = freshName()
    // An old version of the app whose page is frozen: it does not hear `versionchange`.
    await createConnection(name, 5, 1).use(async (db) => db.close())
    const old = await openDB(name, 1)
    const connection = createConnection(name, 5, 2)
    await expect(connection.use(async () => 'opened')).rejects.toMatchObject({ code: 'storage/blocked' })
    old.close()
    expect(await connection.use(async () => 'opened')).toBe('opened')
    connection.close()
  })

  it('notices that the data was removed under it, and does not begin a log with the old key', async () => {
    const name = freshName()
    const store = await openStore({ name })
    await store.append(result())
    await deleteDB(name)
    await expect(store.append(result())).rejects.toMatchObject({ code: 'storage/evicted' })
    store.close()
    const fresh = await openStore({ name })
    expect(fresh.signer.key).not.toBe(store.signer.key)
    fresh.close()
  })

  it('lets two tabs that start at once agree on one key and one stream', async () => {
    const name = freshName()
    const [a, b] = await Promise.all([openStore({ name }), openStore({ name })])
    expect(a.signer.key).toBe(b.signer.key)
    expect(await a.streams()).toHaveLength(1)
    a.close()
    b.close()
  })

  it('tells the other tab by its channel', async () => {
    const name = freshName()
    const sent: unknown[] = []
    let hear = (): void => undefined
    const channel = {
      postMessage: (message: unknown) => void sent.push(message),
      addEventListener: (_: 'message', listener: () => void) => {
        hear = listener
      },
      close: () => void sent.push('closed'),
    }
    const store = await openStore({ name, channel })
    let told = 0
    store.subscribe(() => {
      told += 1
    })
    hear()
    await Promise.resolve()
    expect(told).toBe(1)
    await store.append(result())
    store.close()
    expect(sent).toEqual(['changed', 'closed'])
  })

  it('keeps a device key that no script can export', async () => {
    const name = freshName()
    const store = await openStore({ name })
    const db = await openDB(name)
    const pair: CryptoKeyPair = await db.get('keys', 'device')
    expect(pair.privateKey.extractable).toBe(false)
    await expect(crypto.subtle.exportKey('jwk', pair.privateKey)).rejects.toThrow()
    db.close()
    store.close()
  })
})

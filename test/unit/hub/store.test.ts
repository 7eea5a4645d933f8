import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../src/hub/store/memory.ts'
import { MIGRATIONS, migrate } from '../../../src/hub/store/migrations.ts'
import { openSqliteStore } from '../../../src/hub/store/sqlite.ts'
import { EMPTY_HASH, nextHash } from '../../../src/protocol/log.ts'
import { describeHubAccess } from './access-contract.ts'
import { describeHubStore } from './store-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'jiko-hub-store-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
const newFile = (): string => join(folder, `${files++}.db`)

describeHubStore('memory', async () => createMemoryStore())
describeHubStore('SQLite', async () => openSqliteStore(newFile()))
describeHubAccess('memory', async () => createMemoryStore())
describeHubAccess('SQLite', async () => openSqliteStore(newFile()))

async function appendOne(file: string, line: string): Promise<boolean> {
  const store = openSqliteStore(file)
  try {
    await store.addProgram('default', 1)
    await store.seeDevice('default', { key: 'k', app: 'a', at: 1 })
    const hash = await nextHash(EMPTY_HASH, line)
    const at = { seq: 1, hash }
    return await store.append('default', {
      stream: 'aaaaaaaaaaaaaaaa',
      device: 'k',
      epoch: 'e',
      after: { seq: 0, hash: EMPTY_HASH },
      lines: [{ ...at, line, lineHash: hash, verdict: 'ok', attachments: [] }],
      announced: { ...at, signature: 's' },
      receivedAt: 1,
    })
  } finally {
    await store.close()
  }
}

describe('SQLite hub store', () => {
  it('finds everything again after it was closed, and leaves no log behind', async () => {
    const file = newFile()
    expect(await appendOne(file, 'kept')).toBe(true)
    expect(await appendOne(file, 'kept')).toBe(false)
    const store = openSqliteStore(file)
    expect((await store.records('default', { limit: 9 })).map(({ line }) => line)).toEqual(['kept'])
    await store.close()
    expect(existsSync(`${file}-wal`)).toBe(false)
  })

  it('is in WAL mode', async () => {
    const file = newFile()
    await appendOne(file, 'a')
    const database = new DatabaseSync(file)
    expect(database.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' })
    database.close()
  })

  it('leaves nothing of a segment when a statement in the middle fails', async () => {
    const file = newFile()
    openSqliteStore(file).close()
    const breaker = new DatabaseSync(file)
    breaker.exec(`create trigger full before insert on records when new.line = 'poison'
      begin select raise(abort, 'disk full'); end`)
    breaker.close()
    await expect(appendOne(file, 'poison')).rejects.toThrow('disk full')
    const store = openSqliteStore(file)
    expect(await store.streams('default')).toEqual([])
    expect(await store.count('default')).toBe(0)
    await store.close()
    expect(await appendOne(file, 'good')).toBe(true)
  })

  it('commits together what comes at once; what fails takes nothing from the others', async () => {
    const file = newFile()
    await openSqliteStore(file).close()
    const breaker = new DatabaseSync(file)
    breaker.exec(`create trigger full before insert on records when new.line = 'poison'
      begin select raise(abort, 'disk full'); end`)
    breaker.close()
    const store = openSqliteStore(file)
    await store.addProgram('default', 1)
    await store.seeDevice('default', { key: 'k', app: 'a', at: 1 })
    const streams = Array.from({ length: 200 }, (_, i) => `s${i}`)
    const outcomes = await Promise.allSettled(
      streams.map(async (stream, i) => {
        const line = i % 50 === 7 ? 'poison' : 'good'
        const at = { seq: 1, hash: await nextHash(EMPTY_HASH, line) }
        return await store.append('default', {
          stream,
          device: i % 50 === 8 ? 'nobody' : 'k',
          epoch: 'e',
          after: { seq: 0, hash: EMPTY_HASH },
          lines: [{ ...at, line, lineHash: at.hash, verdict: 'ok', attachments: [] }],
          announced: { ...at, signature: 's' },
          receivedAt: 1,
        })
      }),
    )
    const failed = streams.filter((_, i) => i % 50 === 7 || i % 50 === 8)
    expect(streams.filter((_, i) => outcomes[i]?.status === 'rejected')).toEqual(failed)
    await store.close()
    const again = openSqliteStore(file)
    expect((await again.streams('default')).map(({ stream }) => stream)).toEqual(
      streams.filter((stream) => !failed.includes(stream)).sort(),
    )
    expect(await again.records('default', { limit: 999 })).toHaveLength(192)
    await again.close()
  })

  it('brings an empty file up to date and refuses one of a later Jiko', () => {
    const database = new DatabaseSync(':memory:')
    migrate(database)
    expect(database.prepare('pragma user_version').get()).toEqual({ user_version: MIGRATIONS.length })
    migrate(database, [...MIGRATIONS, 'create table later (a) strict'.replace('(a)', '(a text)')])
    expect(() => migrate(database)).toThrow(expect.objectContaining({ code: 'hub/newer-database' }))
    database.close()
  })

  it('counts heads that a database of the first version knew as proof of the chains they are the end of', async () => {
    const file = newFile()
    const old = new DatabaseSync(file)
    old.exec('pragma foreign_keys = on')
    migrate(old, MIGRATIONS.slice(0, 1))
    old.exec("insert into programs values ('default', 1)")
    old.exec("insert into devices values ('default', 'k', 'a', 1, 1, null)")
    const insert = old.prepare("insert into streams values ('default', ?, 'k', 'e', ?, ?, ?, ?, 'signed')")
    const hash = Buffer.alloc(32, 7)
    insert.run('aaaaaaaaaaaaaaaa', 3, hash, 3, hash)
    insert.run('bbbbbbbbbbbbbbbb', 2, hash, 5, hash)
    insert.run('cccccccccccccccc', 2, hash, 2, Buffer.alloc(32, 8))
    insert.run('dddddddddddddddd', 0, hash, 0, hash)
    old.close()
    const store = openSqliteStore(file)
    expect((await store.streams('default')).map(({ proven }) => proven)).toEqual([3, 0, 0, 0])
    expect(await store.provenHead('default', 'aaaaaaaaaaaaaaaa', 1, 9)).toEqual({
      seq: 3,
      hash: '07'.repeat(32),
      signature: 'signed',
    })
    expect(await store.provenHead('default', 'dddddddddddddddd', 0, 9)).toBeUndefined()
    await store.close()
  })

  it('leaves a database as it was when a step fails', () => {
    const database = new DatabaseSync(':memory:')
    migrate(database)
    expect(() => migrate(database, [...MIGRATIONS, 'create table half (a text) strict; not sql'])).toThrow()
    expect(database.prepare("select name from sqlite_schema where name = 'half'").get()).toBeUndefined()
    expect(database.prepare('pragma user_version').get()).toEqual({ user_version: MIGRATIONS.length })
    database.close()
  })

  it('says what is wrong with a file that is no database', () => {
    const file = newFile()
    writeFileSync(
      file,
      'a shopping list, for sure not a database of any kind, and long enough to be looked at as one. '.repeat(9),
    )
    expect(() => openSqliteStore(file)).toThrow(expect.objectContaining({ code: 'hub/database' }))
    expect(() => openSqliteStore(join(folder, 'no', 'such', 'folder.db'))).toThrow(
      expect.objectContaining({ code: 'hub/database' }),
    )
  })
})

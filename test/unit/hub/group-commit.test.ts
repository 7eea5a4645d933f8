import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { expect, it } from 'vitest'
import { createGroupCommit, type Transact } from '../../../src/hub/store/group-commit.ts'
import { createNodeSqliteDialect } from '../../../src/hub/store/node-sqlite.ts'
import type { Tables } from '../../../src/hub/store/schema.ts'

function open(): { transact: Transact; database: DatabaseSync; commits: () => number } {
  const database = new DatabaseSync(':memory:')
  database.exec('create table words (word text unique)')
  let commits = 0
  const counted = {
    prepare(text: string) {
      const statement = database.prepare(text)
      if (text !== 'commit') return statement
      return {
        columns: () => [],
        run() {
          commits += 1
          return statement.run()
        },
      }
    },
    close: () => database.close(),
  }
  const db = new Kysely<Tables>({ dialect: createNodeSqliteDialect(counted as unknown as DatabaseSync) })
  return { transact: createGroupCommit(db), database, commits: () => commits }
}

const add =
  (word: string): Parameters<Transact>[0] =>
  (tx) =>
    sql`insert into words values (${word})`.execute(tx)

/** As requests come: each in a turn of its own, after whatever it waited for. */
const inItsTurn = <T>(job: () => Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => void setImmediate(() => job().then(resolve, reject)))

it('commits together what becomes ready in one turn of the event loop', async () => {
  const { transact, commits, database } = open()
  await Promise.all(Array.from({ length: 20 }, (_, i) => inItsTurn(() => transact(add(`word ${i}`)))))
  expect(database.prepare('select count(*) as n from words').get()).toEqual({ n: 20 })
  expect(commits()).toBe(1)
})

it('takes nothing from those that share a commit with one that fails', async () => {
  const { transact, database } = open()
  const outcomes = await Promise.allSettled(['a', 'b', 'a', 'c'].map((word) => inItsTurn(() => transact(add(word)))))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect(database.prepare('select word from words order by word').all()).toEqual([
    { word: 'a' },
    { word: 'b' },
    { word: 'c' },
  ])
})

it('lets nobody wait for ever where no transaction can begin', async () => {
  const { transact, database } = open()
  database.close()
  const outcomes = await Promise.allSettled(['a', 'b'].map((word) => inItsTurn(() => transact(add(word)))))
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})

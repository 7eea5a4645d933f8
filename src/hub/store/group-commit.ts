import { type Kysely, sql, type Transaction } from 'kysely'
import type { Tables } from './schema.ts'

/** Runs a job in one durable transaction: all of it or nothing, and synced when the promise resolves. */
export type Transact = <T>(job: (tx: Transaction<Tables>) => Promise<T>) => Promise<T>

/** Jobs in one commit: a sync of the disk is what costs, and a cheap card takes 10 to 50 ms for it. */
const MOST = 64

interface Waiting {
  run(tx: Transaction<Tables>): Promise<void>
  settle(): void
  fail(error: unknown): void
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const say = (tx: Transaction<Tables>, text: string): Promise<unknown> => sql.raw(text).execute(tx)

/**
 * Those who wait while one transaction is synced share the next one, each in a savepoint of its own: one that fails takes
 * nothing from the others. Nobody is told before the commit that holds their work.
 */
export function createGroupCommit(db: Kysely<Tables>): Transact {
  const waiting: Waiting[] = []
  let running = false

  async function commitTogether(): Promise<void> {
    const batch: Waiting[] = []
    try {
      await db.transaction().execute(async (tx) => {
        // Taken only now: who came while the connection was waited for, for what others read, goes along.
        for (let one = waiting.shift(); one; one = batch.length < MOST ? waiting.shift() : undefined) {
          batch.push(one)
          await say(tx, 'savepoint one')
          await one.run(tx)
          await say(tx, 'release one')
        }
      })
      for (const one of batch) one.settle()
    } catch (error) {
      // Where no transaction could even begin, the next in line hears why: else all would wait for ever.
      const failed = batch.length > 0 ? batch : waiting.splice(0, 1)
      for (const one of failed) one.fail(error)
    }
  }

  async function work(): Promise<void> {
    running = true
    while (waiting.length > 0) {
      // A commit holds up the whole process: what became ready meanwhile comes in only with the next turn of the event loop.
      await nextTurn()
      await commitTogether()
    }
    running = false
  }

  return <T>(job: (tx: Transaction<Tables>) => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      let outcome: (() => void) | undefined
      waiting.push({
        async run(tx) {
          try {
            const result = await job(tx)
            outcome = () => resolve(result)
          } catch (error) {
            await say(tx, 'rollback to one')
            outcome = () => reject(error)
          }
        },
        settle: () => outcome?.(),
        fail: reject,
      })
      if (!running) void work()
    })
}

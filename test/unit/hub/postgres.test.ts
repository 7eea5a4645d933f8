import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPostgresStore } from '../../../src/hub/store/postgres.ts'
import { migratePostgres, POSTGRES_MIGRATIONS } from '../../../src/hub/store/postgres-migrations.ts'
import type { HubStore, Segment } from '../../../src/hub/store/store.ts'
import { EMPTY_HASH, nextHash } from '../../../src/protocol/log.ts'
import { type PostgresServer, startPostgres } from '../../helpers/postgres.ts'
import { describeHubAccess } from './access-contract.ts'
import { describeHubStore } from './store-contract.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.stop())

const open = async (partitions: number): Promise<HubStore> =>
  await openPostgresStore(await server.newSchema(), { partitions })

describeHubStore('PostgreSQL', () => open(1))
describeHubAccess('PostgreSQL', () => open(1))
describeHubStore('PostgreSQL in 4 hash partitions', () => open(4))

async function ask<Row>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

async function segment(stream: string, after: { seq: number; hash: string }, line: string): Promise<Segment> {
  const at = { seq: after.seq + 1, hash: await nextHash(after.hash, line) }
  return {
    stream,
    device: 'k',
    epoch: 'e',
    after,
    lines: [{ ...at, line, lineHash: at.hash, verdict: 'ok', attachments: [] }],
    announced: { ...at, signature: 's' },
    receivedAt: at.seq,
  }
}

async function opened(url: string, report?: (line: string) => void): Promise<HubStore> {
  const store = await openPostgresStore(url, report && { report })
  await store.addProgram('default', 1)
  await store.seeDevice('default', { key: 'k', app: 'a', at: 1 })
  return store
}

const START = { seq: 0, hash: EMPTY_HASH }
const STREAM = 'aaaaaaaaaaaaaaaa'

describe('PostgreSQL hub store', () => {
  it('is one truth for several hubs that write one stream at once', async () => {
    const url = await server.newSchema()
    const hubs = await Promise.all([1, 2, 3].map(() => opened(url)))
    let after = START
    for (let round = 0; round < 20; round++) {
      const rivals = await Promise.all(hubs.map((_, i) => segment(STREAM, after, `${round} by ${i}`)))
      const answers = await Promise.all(hubs.map((hub, i) => hub.append('default', rivals[i] as Segment)))
      expect(answers.filter(Boolean)).toHaveLength(1)
      const winner = rivals[answers.indexOf(true)]?.lines.at(-1)
      after = { seq: winner?.seq ?? 0, hash: winner?.hash ?? '' }
    }
    for (const hub of hubs) {
      expect(await hub.stream('default', STREAM)).toMatchObject({ tip: 20, hash: after.hash })
      expect(await hub.positions('default', STREAM, 1, 99)).toHaveLength(20)
    }
    await Promise.all(hubs.map((hub) => hub.close()))
  })

  it('spreads streams over the partitions, each stream in one', async () => {
    const url = await server.newSchema()
    const store = await openPostgresStore(url, { partitions: 4 })
    await store.addProgram('default', 1)
    await store.seeDevice('default', { key: 'k', app: 'a', at: 1 })
    for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
      const first = await segment(letter.repeat(16), START, letter)
      await store.append('default', first)
      await store.append('default', await segment(letter.repeat(16), first.lines[0] ?? START, letter))
    }
    const parts = await ask<{ part: string; streams: number; lines: number }>(
      url,
      'select tableoid::regclass::text as part, count(distinct stream)::int as streams, count(*)::int as lines from records group by 1',
    )
    expect(parts.map(({ part }) => part).sort()).toEqual(['records_0', 'records_1', 'records_2', 'records_3'])
    expect(parts.reduce((sum, { streams }) => sum + streams, 0)).toBe(26)
    expect(parts.every(({ streams, lines }) => lines === 2 * streams)).toBe(true)
    await store.close()
    const again = await openPostgresStore(url)
    expect(await again.count('default')).toBe(52)
    await again.close()
  })

  it('goes on after the server closed its connections', async () => {
    const url = await server.newDatabase()
    const reports: string[] = []
    const store = await opened(url, (line) => reports.push(line))
    await ask(
      url,
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    await expect.poll(() => reports).not.toEqual([])
    expect(await store.append('default', await segment(STREAM, START, 'after'))).toBe(true)
    expect(reports.join()).toMatch(/closed a connection/)
    await store.close()
  })

  it('leaves nothing of a segment when a statement in the middle fails', async () => {
    const url = await server.newSchema()
    const store = await opened(url)
    await ask(
      url,
      `create function full_disk() returns trigger language plpgsql as $$ begin raise 'disk full'; end $$;
       create trigger full_disk before insert on heads for each row execute function full_disk()`,
    )
    const one = await segment(STREAM, START, 'a')
    await expect(store.append('default', { ...one, proven: [one.announced] })).rejects.toThrow('disk full')
    expect(await store.streams('default')).toEqual([])
    expect(await store.records('default', { limit: 9 })).toEqual([])
    await store.close()
  })

  it('is made once by hubs that start at once, and refused by an older Jiko', async () => {
    const url = await server.newSchema()
    const stores = await Promise.all([1, 2, 3].map(() => openPostgresStore(url)))
    await Promise.all(stores.map((store) => store.close()))
    expect(await ask(url, 'select * from jiko')).toEqual([{ version: POSTGRES_MIGRATIONS.length, partitions: 1 }])
    await ask(url, 'update jiko set version = 99')
    await expect(openPostgresStore(url)).rejects.toMatchObject({ code: 'hub/newer-database' })
  })

  it('leaves a database as it was when a step fails', async () => {
    const url = await server.newSchema()
    const client = new Client({ connectionString: url })
    await client.connect()
    const steps = [...POSTGRES_MIGRATIONS, () => 'create table half (a text); not sql']
    await expect(migratePostgres(client, 1, steps)).rejects.toThrow()
    expect((await client.query("select to_regclass('records') as found")).rows).toEqual([{ found: null }])
    await client.end()
  })

  it('says what is wrong without the password', async () => {
    for (const url of ['postgres://jiko:secret@localhost:1/hub', 'postgres://jiko:secret@localhost:1/hub?a=secret']) {
      const failure = await openPostgresStore(url).catch((error) => error)
      expect(failure).toMatchObject({
        code: 'hub/database',
        message: expect.stringMatching(/localhost:1\/hub.*ECONNREF/),
      })
      expect(failure.message).not.toContain('secret')
    }
    await expect(openPostgresStore('a shopping list')).rejects.toMatchObject({ code: 'hub/database' })
  })

  it('does not take a database that acknowledges before it has synced', async () => {
    const url = await server.newSchema()
    const hasty = `${url}${encodeURIComponent(' -c synchronous_commit=off')}`
    await expect(openPostgresStore(hasty)).rejects.toMatchObject({
      code: 'hub/database',
      message: expect.stringContaining('synchronous_commit'),
    })
  })
})

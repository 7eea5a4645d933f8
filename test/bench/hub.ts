import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { continueChain, lineHashOf } from '../../src/hub/chain.ts'
import { openPostgresStore } from '../../src/hub/store/postgres.ts'
import { openSqliteStore } from '../../src/hub/store/sqlite.ts'
import type { HubStore, Segment } from '../../src/hub/store/store.ts'
import { EMPTY_HASH } from '../../src/protocol/log.ts'
import { resultLine } from '../helpers/fake-phone.ts'
import { type PostgresServer, startPostgres } from '../helpers/postgres.ts'
import type { FromPhones, Sent, ToPhones } from '../helpers/returning-phones.ts'

/**
 * `npm run bench -- hub [--only ingest,phones,growth] [--growth 1e5,1e6,1e7] [--phones 10000] [--write]`: records a second with every commit
 * synced, thousands of phones that come back at once, and what a hub that has grown still costs. PostgreSQL is one of the test's own on
 * this machine, untuned; it grows to a tenth of what SQLite does, to keep the whole within some minutes.
 */
export async function bench(args: readonly string[]): Promise<void> {
  const option = (name: string, otherwise: string): string => {
    const at = args.indexOf(`--${name}`)
    return at < 0 ? otherwise : (args[at + 1] ?? otherwise)
  }
  const said: string[] = []
  const say = (line = ''): void => {
    said.push(line)
    console.log(line)
  }
  const folder = await mkdtemp(join(tmpdir(), 'jiko-bench-'))
  const server = await startPostgres({ durable: true })
  try {
    say(
      `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}); medians of ${ROUNDS} interleaved rounds.`,
    )
    const only = option('only', 'ingest,phones,growth').split(',')
    if (only.includes('ingest')) await ingest(folder, server, say)
    if (only.includes('phones')) await reconnect(folder, server, Number(option('phones', '10000')), say)
    if (only.includes('growth')) await grow(folder, server, option('growth', '1e5,1e6,1e7').split(',').map(Number), say)
    if (args.includes('--write'))
      writeFileSync(new URL('HUB.md', import.meta.url), `# The hub, measured\n\n${said.join('\n')}\n`)
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

export type Say = (line?: string) => void

const ROUNDS = 5
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0
const whole = (value: number): string => Math.round(value).toLocaleString('en')
const spread = (values: readonly number[]): string =>
  `${whole(median(values))} (${whole(Math.min(...values))}-${whole(Math.max(...values))})`

/** A stream that grows by segments, as phones make them. */
function createWriter(number: number) {
  const stream = number
    .toString(32)
    .padStart(16, 'a')
    .replaceAll(/[0189]/g, 'z')
  let after = { seq: 0, hash: EMPTY_HASH }
  return (lines: number, receivedAt: number): Segment => {
    const start = after
    const rows = Array.from({ length: lines }, (_, i) => {
      const seq = start.seq + 1 + i
      const line = resultLine(`leaf ${number} ${seq}`)
      const lineHash = lineHashOf(line)
      after = { seq, hash: continueChain(after.hash, lineHash) }
      return { seq, line, lineHash, hash: after.hash, verdict: 'ok', attachments: [] }
    })
    const announced = { ...after, signature: 's'.repeat(86) }
    return {
      stream,
      device: 'd'.repeat(87),
      epoch: 'e'.repeat(22),
      after: start,
      lines: rows,
      announced,
      proven: [announced],
      receivedAt,
    }
  }
}

async function prepared(store: HubStore): Promise<HubStore> {
  await store.addProgram('default', 0)
  await store.seeDevice('default', { key: 'd'.repeat(87), app: 'bench', at: 0 })
  return store
}

export async function ingest(folder: string, server: PostgresServer, say: Say): Promise<void> {
  const stores = {
    SQLite: await prepared(openSqliteStore(join(folder, 'ingest.db'))),
    PostgreSQL: await prepared(await openPostgresStore(await server.newDatabase())),
    'PostgreSQL, 8 partitions': await prepared(await openPostgresStore(await server.newDatabase(), { partitions: 8 })),
  }
  say('\n## Records a second taken in, every commit synced\n')
  say(`| lines in a push | phones at once | ${Object.keys(stores).join(' | ')} |`)
  say(
    '|---|---|' +
      Object.keys(stores)
        .map(() => '---|')
        .join(''),
  )
  let writers = 0
  for (const [lines, atOnce] of [
    [1, 1],
    [1, 16],
    [50, 1],
    [50, 16],
    [500, 16],
  ] as const) {
    const rates: Record<string, number[]> = {}
    const pushes = Math.max(2, Math.min(40, Math.ceil(4000 / (lines * atOnce))))
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, store] of Object.entries(stores)) {
        const work = Array.from({ length: atOnce }, () => {
          const next = createWriter(writers++)
          return Array.from({ length: pushes }, () => next(lines, round))
        })
        const begun = performance.now()
        await Promise.all(
          work.map(async (segments) => {
            for (const segment of segments) await store.append('default', segment)
          }),
        )
        const seconds = (performance.now() - begun) / 1000
        rates[name] = [...(rates[name] ?? []), (lines * atOnce * pushes) / seconds]
      }
    }
    say(
      `| ${lines} | ${atOnce} | ${Object.keys(stores)
        .map((name) => spread(rates[name] ?? []))
        .join(' | ')} |`,
    )
  }
  for (const store of Object.values(stores)) await store.close()
}

/** A hub in a process of its own. */
async function startHub(folder: string, name: string, database?: string) {
  const parameters = [
    'test/helpers/dying-hub.ts',
    '0',
    join(folder, name),
    '0',
    ...(database === undefined ? [] : [database]),
  ]
  const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [chunk] = await once(child.stdout, 'data')
  return {
    url: String(chunk).trim(),
    /** The most memory it ever had, in MB. */
    memory: (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
    async stop() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

const SENDERS = 2
const RESULTS = 5

interface Senders {
  /** All phones want to send at once, in turns to these hubs. */
  send(hubs: readonly string[]): Promise<Sent>
  stop(): void
}

/** Phones in processes of their own, so that who sends is not what is measured, as far as cores allow. */
async function startSenders(phones: number): Promise<Senders> {
  const children = Array.from({ length: SENDERS }, () => fork('test/helpers/returning-phones.ts'))
  async function ask(message: ToPhones): Promise<FromPhones[]> {
    return await Promise.all(
      children.map(async (child) => {
        child.send(message)
        const [answer] = await once(child, 'message')
        return answer as FromPhones
      }),
    )
  }
  await ask({ type: 'prepare', phones: Math.ceil(phones / SENDERS), results: RESULTS })
  return {
    async send(hubs) {
      const all = (await ask({ type: 'send', hubs })).filter((answer) => answer.type === 'sent')
      const sum = (field: 'refused' | 'broken'): number => all.reduce((total, one) => total + one[field], 0)
      return { took: all.flatMap(({ took }) => took), refused: sum('refused'), broken: sum('broken') }
    },
    stop: () => children.forEach((child) => void child.kill('SIGKILL')),
  }
}

/** Each phone has a new log of 5 results. */
export async function reconnect(folder: string, server: PostgresServer, phones: number, say: Say): Promise<void> {
  say(
    `\n## ${whole(phones)} phones that come back at once, ${RESULTS} results each, each over a connection of its own\n`,
  )
  say(
    `Seconds from the moment all of them want to send until each has its receipt, over HTTP on this machine; ${SENDERS} processes that send and the hubs share its cores. A connection that breaks is made again.\n`,
  )
  say(
    '| | p50 s | p99 s | last s | requests a second | each hub at most MB | without a receipt | connections that broke |',
  )
  say('|---|---|---|---|---|---|---|---|')
  const senders = await startSenders(phones)
  try {
    for (const [name, hubs, database] of [
      ['SQLite', 1, undefined],
      ['PostgreSQL', 1, await server.newDatabase()],
      ['two hubs on one PostgreSQL', 2, await server.newDatabase()],
    ] as const) {
      const running = []
      for (let i = 0; i < hubs; i++) running.push(await startHub(folder, `reconnect-${name}-${i}`, database))
      const { took, refused, broken } = await senders.send(running.map(({ url }) => url))
      for (const { url } of running) await checkCount(url, took.length * RESULTS)
      const last = Math.max(...took)
      const columns = [quantile(took, 0.5), quantile(took, 0.99), last].map((value) => value.toFixed(1))
      const memory = Math.max(...running.map((hub) => hub.memory()))
      say(
        `| ${name} | ${columns.join(' | ')} | ${whole(took.length / last)} | ${whole(memory)} | ${refused} | ${broken} |`,
      )
      for (const hub of running) await hub.stop()
    }
  } finally {
    senders.stop()
  }
}

/** Each of several hubs over one database knows all that came in. */
async function checkCount(url: string, wanted: number): Promise<void> {
  const { records } = (await (await fetch(`${url}/healthz`)).json()) as { records: number }
  if (records !== wanted) throw new Error(`${url} has ${records} records of ${wanted}`)
}

const LINES = 200
const STREAMS = 1000

async function timed(job: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const begun = performance.now()
    await job()
    times.push(performance.now() - begun)
  }
  return median(times)
}

async function sizeInPostgres(url: string): Promise<number> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query('select pg_database_size(current_database()) as bytes')
    return Number(rows[0]?.bytes)
  } finally {
    await client.end()
  }
}

/** Fills by pushes of 200 lines, and asks at each size what a hub asks every day. */
async function grow(folder: string, server: PostgresServer, sizes: readonly number[], say: Say): Promise<void> {
  say('\n## What a hub costs that has grown\n')
  say(
    '| | records | bytes a record | records a second while filling | push of 50, ms | newest 50, ms | page in the middle, ms | one stream’s tail, ms | totals, ms |',
  )
  say('|---|---|---|---|---|---|---|---|---|')
  const file = join(folder, 'grow.db')
  const url = await server.newDatabase()
  const kinds = [
    {
      name: 'SQLite',
      most: Number.POSITIVE_INFINITY,
      store: await prepared(openSqliteStore(file)),
      size: async () => statSync(file).size + statSync(`${file}-wal`).size,
    },
    {
      name: 'PostgreSQL',
      most: Math.max(...sizes) / 10,
      store: await prepared(await openPostgresStore(url)),
      size: () => sizeInPostgres(url),
    },
  ]
  for (const { name, store, size, most } of kinds) {
    const targets = sizes.filter((target) => target <= most || target === Math.min(...sizes))
    const empty = await size()
    const writers = Array.from({ length: STREAMS }, (_, i) => createWriter(i))
    const extra = createWriter(STREAMS)
    let records = 0
    let clock = 1
    for (const target of targets) {
      const from = records
      const begun = performance.now()
      while (records < target) {
        const pushes = writers
          .slice(0, Math.min(STREAMS, (target - records) / LINES))
          .map((next) => next(LINES, clock++))
        // Sixteen at a time, as phones come.
        for (let at = 0; at < pushes.length; at += 16) {
          await Promise.all(pushes.slice(at, at + 16).map((segment) => store.append('default', segment)))
        }
        records += pushes.length * LINES
      }
      const rate = ((records - from) * 1000) / (performance.now() - begun)
      const bytes = ((await size()) - empty) / records
      const stream = extra(1, clock++)
      await store.append('default', stream)
      const middle = { receivedAt: Math.floor(clock / 2), stream: stream.stream, seq: 1 }
      const times = [
        await timed(async () => await store.append('default', extra(50, clock++))),
        await timed(() => store.newest('default', { limit: 50 })),
        await timed(() => store.records('default', { since: middle, limit: 500 })),
        await timed(() => store.lines('default', stream.stream, 1, 50)),
        await timed(() => store.totals('default')),
      ].map((value) => value.toFixed(1))
      say(`| ${name} | ${whole(records)} | ${whole(bytes)} | ${whole(rate)} | ${times.join(' | ')} |`)
      if (target === targets.at(-1)) {
        say(`| ${name}, projected | 1,000,000,000 | | | about ${((bytes * 1e9) / 1e12).toFixed(2)} TB | | | | |`)
      }
    }
    await store.close()
  }
}

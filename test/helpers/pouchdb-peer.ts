import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { promisify } from 'node:util'

/** Pinned: what a figure was measured against. None of it is a dependency of the project. */
const PACKAGES = [
  'express-pouchdb@4.2.0',
  'express@4.22.3',
  ...['core', 'adapter-memory', 'adapter-http', 'replication', 'mapreduce', 'find'].map(
    (name) => `pouchdb-${name}@9.0.0`,
  ),
]

const SERVER = `
const PouchDB = require('pouchdb-core').plugin(require('pouchdb-adapter-memory')).plugin(require('pouchdb-mapreduce'))
  .plugin(require('pouchdb-find')).defaults({ adapter: 'memory' })
const app = require('express')()
app.use(require('express-pouchdb')(PouchDB, { mode: 'minimumForPouchDB', inMemoryConfig: true, logPath: '/dev/null' }))
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

/** Reads { url, docs, first } a line; answers with how long the replication took, after a first contact with one document. */
const CLIENT = `
const PouchDB = require('pouchdb-core').plugin(require('pouchdb-adapter-memory')).plugin(require('pouchdb-adapter-http'))
  .plugin(require('pouchdb-replication'))
let runs = 0
let local, remote
require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const { url, docs, first } = JSON.parse(line)
  if (first) {
    runs += 1
    remote = new PouchDB(url + '/run-' + runs)
    local = new PouchDB('local-' + runs, { adapter: 'memory' })
  }
  if (docs.length > 0) await local.bulkDocs(docs)
  const begun = performance.now()
  const { ok, docs_written } = await local.replicate.to(remote)
  console.log(JSON.stringify({ ok, written: docs_written, ms: performance.now() - begun }))
})
`

export interface Replicated {
  ok: boolean
  written: number
  ms: number
}

export interface PouchPeer {
  readonly server: URL
  /** Writes documents locally and replicates them. `first`: into a new pair of databases. */
  replicate(url: string, docs: readonly object[], first: boolean): Promise<Replicated>
  close(): Promise<void>
}

/** A PouchDB that replicates to a server of CouchDB's protocol, each in a process of its own, installed into a folder for the day. */
export async function startPouchPeer(): Promise<PouchPeer> {
  const folder = await mkdtemp(join(tmpdir(), 'jiko-pouchdb-'))
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  await writeFile(join(folder, 'server.cjs'), SERVER)
  await writeFile(join(folder, 'client.cjs'), CLIENT)
  await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...PACKAGES], {
    cwd: folder,
  })
  const children: ChildProcess[] = []
  function run(script: string): { lines: Interface; child: ChildProcess } {
    const child = spawn(process.execPath, [script], { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] })
    children.push(child)
    if (!child.stdout) throw new Error('a child without output')
    return { lines: createInterface({ input: child.stdout }), child }
  }
  const server = run('server.cjs')
  const [port] = (await once(server.lines, 'line')) as [string]
  const client = run('client.cjs')
  return {
    server: new URL(`http://127.0.0.1:${port}`),
    async replicate(url, docs, first) {
      client.child.stdin?.write(`${JSON.stringify({ url, docs, first })}\n`)
      const [line] = (await once(client.lines, 'line')) as [string]
      return JSON.parse(line) as Replicated
    },
    async close() {
      for (const child of children) child.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

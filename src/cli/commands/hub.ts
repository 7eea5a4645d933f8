import { join } from 'node:path'
import { Command, Option } from 'commander'
import { FIRST_PROGRAM } from '../../hub/data-folder.ts'
import { FORMATS } from '../../hub/export/export.ts'
import { ROLES } from '../../protocol/enrol.ts'
import { wholeNumber } from '../options.ts'
import { packageRoot } from '../package-root.ts'
import { backUp, type ExportOptions, exportRecords, printDevices, printStatus, revoke } from './hub/data.ts'
import { importBundle } from './hub/import.ts'
import {
  addProgram,
  close,
  enrol,
  type InviteOptions,
  joinAbove,
  open,
  printAudit,
  printMembers,
} from './hub/members.ts'
import { move } from './hub/move.ts'
import { type DataOptions, databaseOption, dataOption, parseAddress } from './hub/options.ts'
import { parseKey, parsePort, type StartOptions, start } from './hub/start.ts'

const PACKAGE = packageRoot()

/** A command on what a hub has written, also while it runs. */
const onData = (name: string, description: string): Command =>
  new Command(name).description(description).addOption(dataOption()).addOption(databaseOption())

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
    .addOption(databaseOption())
    .addOption(
      new Option('--bucket <address>', 's3://bucket/prefix for photos, in place of the folder; keys as AWS_… say').env(
        'JIKO_BUCKET',
      ),
    )
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
    .addOption(
      new Option('--url <address>', 'address that phones reach the hub at, for invitations')
        .env('JIKO_URL')
        .argParser(parseAddress),
    )
    .option('--no-mirror', 'do not copy the packs of the hub above')
    .option('--behind-proxy', 'who asks is the last address in X-Forwarded-For, which a proxy of yours sets')
    .option('--log', 'print a line for each request')
    .action((options: StartOptions) => start(options))
    .addCommand(
      onData('status', 'say how much came in')
        .option('--json', 'for machines: a line of JSON for each program')
        .action((options: DataOptions & { json?: boolean }) => printStatus(options)),
    )
    .addCommand(
      onData('export', 'give out what came in: all lines, or results with what was said of them')
        .argument('[program]', 'which program', FIRST_PROGRAM)
        .addOption(new Option('--format <format>', 'how').choices(Object.keys(FORMATS)).default('ndjson'))
        .option('--out <file>', 'into a file instead of printing it')
        .action((program: string, options: ExportOptions) => exportRecords(program, options)),
    )
    .addCommand(
      onData('import', 'take in a file that a phone has written of what it could not send')
        .argument('<file>', 'the file')
        .action((file: string, options: DataOptions) => importBundle(file, options)),
    )
    .addCommand(
      onData('devices', 'list the phones that have synced')
        .argument('[program]', 'which program', FIRST_PROGRAM)
        .option('--json', 'for machines: a line of JSON for each device')
        .action((program: string, options: DataOptions & { json?: boolean }) => printDevices(program, options)),
    )
    .addCommand(
      onData('revoke', 'put what a phone sends from now on into quarantine')
        .argument('<device>', "the last characters of its key, as 'devices' prints them")
        .argument('[program]', 'which program', FIRST_PROGRAM)
        .action((device: string, program: string, options: DataOptions) => revoke(device, program, options)),
    )
    .addCommand(
      onData('backup', 'copy the database into one file, also while the hub runs')
        .argument('<file>', 'where to; a file of that name is replaced once the copy is whole')
        .action((file: string, options: DataOptions) => backUp(file, options)),
    )
    .addCommand(
      onData('enrol', 'invite somebody: a link and a QR code that one phone, hub or browser can use once')
        .argument('[program]', 'which program', FIRST_PROGRAM)
        .addOption(new Option('--role <role>', 'what they may do').choices(ROLES).default('sender'))
        .option('--name <name>', 'what people call them', '')
        .option('--hours <number>', 'how long the link works', wholeNumber, 72)
        .option('--count <number>', 'how many links', wholeNumber, 1)
        .addOption(new Option('--url <address>', 'address of the hub').env('JIKO_URL').argParser(parseAddress))
        .option('--json', 'for machines: a line of JSON for each link')
        .action((program: string, options: InviteOptions) => enrol(program, options)),
    )
    .addCommand(
      onData('join', 'make this hub a member of the one above, by its invitation for a hub')
        .argument('<link>', 'the link')
        .action((link: string, options: DataOptions) => joinAbove(link, options)),
    )
    .addCommand(
      onData('members', 'list who was enrolled')
        .argument('[program]', 'which program', FIRST_PROGRAM)
        .option('--json', 'for machines: a line of JSON for each member')
        .action((program: string, options: DataOptions & { json?: boolean }) => printMembers(program, options)),
    )
    .addCommand(
      onData('add', 'make a program, for members only')
        .argument('<program>', 'its name: lower-case letters, digits and hyphens')
        .action((program: string, options: DataOptions) => addProgram(program, options)),
    )
    .addCommand(
      onData('open', 'let whoever reaches the hub send to a program')
        .argument('[program]', 'which program', FIRST_PROGRAM)
        .action((program: string, options: DataOptions) => open(program, options)),
    )
    .addCommand(
      onData('close', 'let only members send to a program; who sent before becomes one')
        .argument('[program]', 'which program', FIRST_PROGRAM)
        .action((program: string, options: DataOptions) => close(program, options)),
    )
    .addCommand(
      onData('audit', 'say who invited, enrolled, revoked, opened and closed')
        .argument('[program]', 'which program', FIRST_PROGRAM)
        .option('--json', 'for machines: a line of JSON for each entry')
        .action((program: string, options: DataOptions & { json?: boolean }) => printAudit(program, options)),
    )
    .addCommand(
      new Command('move')
        .description('move the database to PostgreSQL, also while the hub runs')
        .requiredOption('--to <address>', 'postgres://… of an empty database')
        .option('--partitions <number>', 'how many tables to spread the records over', wholeNumber, 1)
        .addOption(dataOption())
        .action((options: { data: string; to: string; partitions: number }) => move(options)),
    )
}

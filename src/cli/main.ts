#!/usr/bin/env node
import { Command } from 'commander'
import { report } from './report.ts'

/** In the order of the help. Each is loaded only when it is asked for: `jiko hub` needs no quantiser. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  pack: async () => (await import('./commands/pack.ts')).packCommand(),
  calibrate: async () => (await import('./commands/calibrate.ts')).calibrateCommand(),
  eval: async () => (await import('./commands/eval.ts')).evalCommand(),
  tune: async () => (await import('./commands/tune.ts')).tuneCommand(),
  run: async () => (await import('./commands/run.ts')).runCommand(),
  inspect: async () => (await import('./commands/inspect.ts')).inspectCommand(),
  verify: async () => (await import('./commands/verify.ts')).verifyCommand(),
  diff: async () => (await import('./commands/diff.ts')).diffCommand(),
  form: async () => (await import('./commands/form.ts')).formCommand(),
  key: async () => (await import('./commands/key.ts')).keyCommand(),
  hub: async () => (await import('./commands/hub.ts')).hubCommand(),
}

async function main(args: readonly string[]): Promise<void> {
  const program = new Command('jiko')
    // What follows a command is that command's own, also where the one above has an option of that name.
    .enablePositionalOptions()
    .description('Makes packs from models, measures them, runs them, serves them.')
    .exitOverride()
    .showHelpAfterError('(jiko --help lists the commands)')
  const asked = COMMANDS[args[0] ?? '']
  const commands = await Promise.all((asked ? [asked] : Object.values(COMMANDS)).map((load) => load()))
  for (const command of commands) {
    command.exitOverride()
    for (const inner of command.commands) inner.exitOverride()
    program.addCommand(command)
  }
  await program.parseAsync(args, { from: 'user' })
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = report(error)
}

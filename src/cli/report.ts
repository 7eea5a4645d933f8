import { CommanderError } from 'commander'
import { isAbort } from '../lib/abort.ts'
import { JikoError } from '../protocol/error.ts'

/** As shells do for a program that Ctrl-C ended. */
const INTERRUPTED = 130
const WRONG_USE = 2

/** One clear line on stderr, and the exit code. `JIKO_DEBUG` adds the stack. */
export function report(error: unknown): number {
  // Commander has printed its own line by now; help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USE
  if (isAbort(error)) {
    console.error('jiko: stopped')
    return INTERRUPTED
  }
  console.error(`jiko: ${describe(error)}`)
  if (process.env.JIKO_DEBUG) console.error(error)
  return 1
}

function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const line = message.replaceAll(/\s*\n\s*/g, ' ')
  return error instanceof JikoError ? `[${error.code}] ${line}` : `[cli/unexpected] ${line} (JIKO_DEBUG=1 shows more)`
}

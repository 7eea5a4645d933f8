import { type Options, SingleBar } from 'cli-progress'

/** A bar on stderr where a person watches; silent in a pipe or a log. */
export function createProgress(what: string): { update(done: number, total: number): void; stop(): void } {
  const options: Options = { format: `${what} {bar} {value}/{total}`, stream: process.stderr, clearOnComplete: true }
  const bar = process.stderr.isTTY ? new SingleBar(options) : undefined
  let started = false
  return {
    update(done, total) {
      if (!started) bar?.start(total, done)
      // Of another part of the work there is another sum.
      bar?.setTotal(total)
      bar?.update(done)
      started = true
    },
    stop: () => bar?.stop(),
  }
}

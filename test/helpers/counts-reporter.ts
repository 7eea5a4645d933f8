import type { Reporter, TestModule } from 'vitest/node'

/** Closes the run with one plain line of counts, for people and for CI that reads the end of the log. */
export class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state !== 'pending') counts[state] += 1
      }
      // A file that did not even load has no tests to count.
      if (module.state() === 'failed' && module.errors().length > 0) counts.failed += 1
    }
    counts.failed += errors.length
    // After the other reporters' summary, so that it really is the last line.
    process.on('exit', () => {
      process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`)
    })
  }
}

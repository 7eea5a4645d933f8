import { defineConfig } from 'vitest/config'
import { CountsReporter } from './test/helpers/counts-reporter.ts'
import { PATIENCE } from './test/helpers/patience.ts'

export default defineConfig({
  test: {
    reporters: ['default', new CountsReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          setupFiles: ['test/helpers/seed.ts', 'test/helpers/clean-up.ts'],
          environment: 'node',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 20_000 } },
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          environment: 'node',
          globalSetup: ['test/helpers/find-chromium.ts'],
          setupFiles: ['test/helpers/clean-up.ts'],
          // A machine that does much else is slow, not wrong.
          testTimeout: 360_000,
          hookTimeout: 360_000,
          expect: { poll: { timeout: PATIENCE } },
          // One Chromium at a time: the machine has two cores and the pages are timed by themselves.
          fileParallelism: false,
        },
      },
    ],
  },
})

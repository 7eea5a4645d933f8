import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { platform } from 'node:os'
import { chromium } from 'playwright-core'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    chromiumPath: string
  }
}

const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

const succeeds = (command: string, args: readonly string[]): boolean =>
  spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }).status === 0

/** Finds or installs the browser of the tests and says which; there is no way to skip it. */
export function findChromium(): string {
  const wanted = process.env.CHROMIUM_PATH
  if (wanted) {
    if (!existsSync(wanted)) throw new Error(`CHROMIUM_PATH is ${wanted}, but there is no such file.`)
    return say(wanted, 'from CHROMIUM_PATH')
  }
  const installed = INSTALLED.find(existsSync)
  if (installed) return say(installed, 'installed on this machine')
  const own = chromium.executablePath()
  if (existsSync(own)) return say(own, 'downloaded by Playwright')

  console.error('No Chromium found; trying Playwright’s download.')
  if (succeeds(process.execPath, ['node_modules/playwright-core/cli.js', 'install', 'chromium']) && existsSync(own)) {
    return say(own, 'downloaded by Playwright just now')
  }
  if (platform() === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.error('Playwright’s download failed; trying Debian’s package.')
    if (
      succeeds('apt-get', ['update', '-q']) &&
      succeeds('apt-get', ['install', '-q', '-y', '--no-install-recommends', 'chromium']) &&
      existsSync('/usr/bin/chromium')
    ) {
      return say('/usr/bin/chromium', 'installed from Debian just now')
    }
  }
  throw new Error('The browser tests need Chromium: install it, or set CHROMIUM_PATH to its executable.')
}

function say(path: string, how: string): string {
  console.error(`Browser for the tests: ${path} (${how})`)
  return path
}

// biome-ignore lint/style/noDefaultExport: Vitest wants a global set-up as the default export
export default function setup(project: TestProject): void {
  project.provide('chromiumPath', findChromium())
}

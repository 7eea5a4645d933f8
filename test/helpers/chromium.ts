import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BrowserContext, chromium, type LaunchOptions } from 'playwright-core'
import { inject } from 'vitest'
import { PATIENCE } from './patience.ts'

/** Keeps Chromium quiet on a closed network; `--no-sandbox` because CI runs as root. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A graphics card in software: slow, and as right as any. */
export const WEBGPU_FLAGS = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']

export interface ProfileOptions {
  /** An existing profile folder, to start again after a kill. */
  profile?: string
  width?: number
  height?: number
  /** BCP 47; what the phone is set to. */
  locale?: string
  /** Further switches of Chromium. */
  flags?: readonly string[]
  launch?: LaunchOptions
}

/** A real Chromium with a profile of its own: what it stores survives `kill` and the next `openProfile`. */
export async function openProfile({
  profile,
  width = 390,
  height = 844,
  locale = 'en-US',
  flags = [],
  launch = {},
}: ProfileOptions = {}): Promise<{
  context: BrowserContext
  profile: string
}> {
  const folder = profile ?? (await mkdtemp(join(tmpdir(), 'jiko-chromium-')))
  const context = await chromium.launchPersistentContext(folder, {
    // Benches are no tests: nothing is provided to them.
    executablePath: launch.executablePath ?? inject('chromiumPath'),
    headless: true,
    args: [...FLAGS, ...flags],
    viewport: { width, height },
    serviceWorkers: 'allow',
    locale,
    ...launch,
  })
  context.setDefaultTimeout(PATIENCE)
  return { context, profile: folder }
}

/** A browser that ends still writes a little behind its own back. */
export const deleteProfile = (profile: string): Promise<void> =>
  rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })

/**
 * Ends each process of the browser that runs on this profile, by its number: at once, with no farewell. Resolves when
 * they are gone: the profile can be opened again.
 */
export async function killBrowser(profile: string): Promise<void> {
  const running = (): string[] =>
    spawnSync('pgrep', ['-f', '--', profile], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean)
  for (let ids = running(); ids.length > 0; ids = running()) {
    for (const id of ids) {
      try {
        process.kill(Number(id), 'SIGKILL')
      } catch {
        // Children end by themselves once the first is gone.
      }
    }
    await sleep(20)
  }
}

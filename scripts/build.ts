import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { build } from 'vite'
import { loadReleaseKey } from '../src/cli/release-key.ts'
import { appConfig } from '../vite.config.ts'
import { buildServiceWorker } from './build-service-worker.ts'
import { compressFolder } from './compress.ts'
import { copyOrtRuntime } from './ort-runtime.ts'

const appFolder = resolve('dist/app')

/** Steps that are programs of their own run in a process of their own: each can be run alone in the same way. */
function runScript(path: string): void {
  if (!existsSync(path)) return
  const { status } = spawnSync(process.execPath, [path], { stdio: 'inherit' })
  if (status !== 0) {
    console.error(`${path} failed with status ${status}`)
    process.exit(1)
  }
}

// The key comes first: packs are signed with it and the app trusts it.
const { key } = await loadReleaseKey()
runScript('scripts/build-kernels.ts')
runScript('scripts/build-packs.ts')
await rm(appFolder, { recursive: true, force: true })
await build({ ...appConfig([key]), configFile: false, logLevel: 'warn' })
await copyOrtRuntime(appFolder)
await buildServiceWorker(appFolder)
await compressFolder(appFolder)
runScript('scripts/build-cli.ts')
runScript('scripts/build-library.ts')
runScript('scripts/sizes.ts')

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isLater } from '../../scripts/build-service-worker.ts'
import { readShellScripts } from '../../scripts/shell-list.ts'

/** Files of the built app that follow the first screen in the background: neither the shell's nor the engine's nor a language's. */
export async function laterScripts(app = 'dist/app'): Promise<string[]> {
  const shell = await readShellScripts(app)
  const assets = (await readdir(join(app, 'assets'))).map((name) => `assets/${name}`)
  return assets.filter((path) => isLater(path, shell)).sort()
}

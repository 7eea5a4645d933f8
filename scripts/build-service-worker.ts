import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build, type Plugin } from 'vite'
import { PACK_SCRIPTS, runtimeCacheOf, SYNC_SCRIPT } from '../src/protocol/service-worker.ts'
import { ANSWERING_GROUPS } from './group-chunks.ts'
import { listFiles } from './list-files.ts'
import { ORT_FOLDER, packFolder } from './ort-runtime.ts'
import { readShellScripts } from './shell-list.ts'

interface PrecacheEntry {
  url: string
  /** Null when the name already carries a hash of the content. */
  revision: string | null
}

/** The language whose texts a file holds: fetched by whoever uses it, and by nobody else. */
export const languageOf = (path: string): string | undefined =>
  /^assets\/(?:locale|texts)-([a-z]+)-[^/]+\.js$/.exec(path)?.[1]

/** The engine is a runtime; it is small, so it comes with the shell and the first pack need not wait for it. */
export const isNano = (path: string): boolean => /^assets\/(nano-[^/]+\.js|[^/]+\.wasm)$/.test(path)

/**
 * Precaching is all-or-nothing, so every byte in it can cost the whole. Icons and screenshots are fetched by the system
 * when it installs the app, runtimes when a pack needs them, packs by the worker, screens and machinery that the first
 * answer does not need once the rest is here (see `laterList`): none belongs to the shell.
 *
 * @param scripts see `shellScripts`
 */
export const isShell = (path: string, scripts: readonly string[]): boolean =>
  path.endsWith('.js')
    ? scripts.includes(path)
    : !/^(runtime|packs)\//.test(path) && !/\.(png|jpg|md|br|gz|map|mjs|wasm)$/.test(path)

/** Scripts that follow the shell into the phone, in the background. */
export const isLater = (path: string, scripts: readonly string[]): boolean =>
  /^assets\/.*\.js$/.test(path) && !scripts.includes(path) && !isNano(path) && languageOf(path) === undefined

/** Of what comes later, the way to an answer: a phone that loses its network now can use a pack that it has. */
const ON_THE_WAY = new RegExp(`^assets/(${ANSWERING_GROUPS.join('|')}|later-styles)-[\\w-]{8}\\.js$`)

/** Scripts that follow the shell, in the order in which they are fetched. */
export function laterList(paths: readonly string[], scripts: readonly string[]): string[] {
  const later = paths.filter((path) => isLater(path, scripts))
  const first = later.filter((path) => ON_THE_WAY.test(path))
  return [...first, ...later.filter((path) => !first.includes(path))]
}

export async function precacheList(appFolder: string, scripts: readonly string[]): Promise<PrecacheEntry[]> {
  const entries: PrecacheEntry[] = []
  const files = await listFiles(appFolder)
  for (const url of files.filter((path) => isShell(path, scripts) || isNano(path))) {
    const hashed = url.startsWith('assets/')
    const revision = hashed
      ? null
      : createHash('sha256')
          .update(await readFile(join(appFolder, url)))
          .digest('hex')
          .slice(0, 16)
    entries.push({ url, revision })
  }
  return entries
}

/**
 * A classic script has no `import()`: what pages fetch when they want it is here from the start. Said to the bundler, it need
 * not keep each such module ready to begin later, which made a thirtieth of the script that sends.
 */
function importAtOnce(): Plugin {
  return {
    name: 'jiko-import-at-once',
    enforce: 'pre',
    transform(code) {
      const imports: string[] = []
      const changed = code.replace(/\bimport\(('\.[^']+')\)/g, (_, path: string) => {
        const name = `later${imports.length}$`
        imports.push(`import * as ${name} from ${path}\n`)
        return `Promise.resolve(${name})`
      })
      return imports.length > 0 ? imports.join('') + changed : undefined
    },
  }
}

/** A classic script: module service workers are younger than the phones this is for. */
async function buildScript(appFolder: string, entry: string, fileName: string, define: Record<string, string>) {
  await build({
    configFile: false,
    root: 'sw',
    publicDir: false,
    logLevel: 'warn',
    plugins: [importAtOnce()],
    define: { ...define, 'process.env.NODE_ENV': '"production"' },
    build: {
      outDir: appFolder,
      emptyOutDir: false,
      reportCompressedSize: false,
      lib: { entry, formats: ['iife'], name: 'jikoServiceWorker', fileName: () => fileName },
    },
  })
}

/** Builds the app's service worker, and the one that sends when no page is open. */
export async function buildServiceWorker(appFolder: string): Promise<void> {
  const all = await listFiles(appFolder)
  const scripts = await readShellScripts(appFolder)
  const within = (folder: string): string[] =>
    all.filter((path) => path.startsWith(`${folder}/`) && !/\.(br|gz)$/.test(path))
  const packScripts = Object.fromEntries(
    Object.entries(PACK_SCRIPTS).map(([name, cache]) => [cache, within(packFolder(name))]),
  )
  const texts = Map.groupBy(all.filter(languageOf), languageOf)
  await buildScript(appFolder, 'main.ts', 'sw.js', {
    'self.__WB_MANIFEST': JSON.stringify(await precacheList(appFolder, scripts)),
    __LANGUAGE_FILES__: JSON.stringify(Object.fromEntries(texts)),
    __LATER_FILES__: JSON.stringify(laterList(all, scripts)),
    __RUNTIME_FILES__: JSON.stringify({ ...Object.groupBy(within(ORT_FOLDER), runtimeCacheOf), ...packScripts }),
  })
  await buildScript(appFolder, 'sync.ts', SYNC_SCRIPT, {})
}

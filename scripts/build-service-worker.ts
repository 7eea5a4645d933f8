import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'vite'
import { listFiles } from './list-files.ts'
import { ORT_FOLDER } from './ort-runtime.ts'

interface PrecacheEntry {
  url: string
  /** Null when the name already carries a hash of the content. */
  revision: string | null
}

/** The language whose texts a file holds: fetched by whoever uses it, and by nobody else. */
export const languageOf = (path: string): string | undefined => /^assets\/locale-([a-z]+)-[^/]+\.js$/.exec(path)?.[1]

/**
 * Icons are fetched by the system when it installs the app, runtimes when a pack needs them, packs by the worker:
 * none belongs to the shell, and precaching is all-or-nothing, so every byte in it can cost the whole.
 */
export const isShell = (path: string): boolean =>
  !/^(runtime|packs)\//.test(path) &&
  !/\.(png|md|br|gz|map)$/.test(path) &&
  path !== 'sw.js' &&
  languageOf(path) === undefined

export async function precacheList(appFolder: string): Promise<PrecacheEntry[]> {
  const entries: PrecacheEntry[] = []
  for (const url of (await listFiles(appFolder)).filter(isShell)) {
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

/** Builds `sw/main.ts` to a classic script: module service workers are younger than the phones this is for. */
export async function buildServiceWorker(appFolder: string): Promise<void> {
  const all = await listFiles(appFolder)
  const runtime = all.filter((path) => path.startsWith(`${ORT_FOLDER}/`) && !/\.(br|gz)$/.test(path))
  const files = all.flatMap((path) => {
    const language = languageOf(path)
    return language ? [[language, path] as const] : []
  })
  await build({
    configFile: false,
    root: 'sw',
    publicDir: false,
    logLevel: 'warn',
    define: {
      'self.__WB_MANIFEST': JSON.stringify(await precacheList(appFolder)),
      __LANGUAGE_FILES__: JSON.stringify(Object.fromEntries(files)),
      __RUNTIME_FILES__: JSON.stringify(runtime),
      'process.env.NODE_ENV': '"production"',
    },
    build: {
      outDir: appFolder,
      emptyOutDir: false,
      reportCompressedSize: false,
      lib: { entry: 'main.ts', formats: ['iife'], name: 'jikoServiceWorker', fileName: () => 'sw.js' },
    },
  })
}

import { readFileSync } from 'node:fs'
import { lingui } from '@lingui/vite-plugin'
import { defineConfig, type UserConfig } from 'vite'
import { classicShell } from './scripts/classic-shell.ts'
import { APP, type Beginning, groupChunks, isBundlers } from './scripts/group-chunks.ts'
import { ORT_FOLDER, packFolder } from './scripts/ort-runtime.ts'
import { ownNamespaces } from './scripts/own-namespaces.ts'
import { plainImports } from './scripts/plain-imports.ts'
import { shellList } from './scripts/shell-list.ts'
import { splitTexts } from './scripts/split-texts.ts'
import { workerEntry } from './scripts/worker-entry.ts'
import { loadReleaseKey } from './src/cli/release-key.ts'

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string }

/**
 * onnxruntime-web's own script goes beside its wasm, what only some packs need into folders of their own: loaded when a
 * pack needs them, never part of the shell. Texts are named by their language, by which the service worker knows them.
 */
function chunkFileNames(chunk: { moduleIds: string[] }): string {
  const { moduleIds } = chunk
  // What is left of the bundler's helpers (see `own-namespaces.ts`) is what onnxruntime-web's script needs.
  if (moduleIds.some((id) => id.includes('/onnxruntime-web/')) || isBundlers(chunk))
    return `${ORT_FOLDER}/[name]-[hash].js`
  if (moduleIds.some((id) => /\/@huggingface\/tokenizers\/|\/tasks\/(generate|spans)\.ts$/.test(id)))
    return `${packFolder('tokens')}/[name]-[hash].js`
  if (moduleIds.some((id) => id.includes('/tasks/page/'))) return `${packFolder('page')}/[name]-[hash].js`
  if (moduleIds.some((id) => /\/(app\/clips\/|(packs|protocol|client)\/clips\.ts$)/.test(id)))
    return `${packFolder('clips')}/[name]-[hash].js`
  for (const id of moduleIds) {
    const [, language, rest] = /\/locales\/([a-z]+)\/messages\.po(\?rest)?$/.exec(id) ?? []
    if (language) return `assets/${rest ? 'texts' : 'locale'}-${language}-[hash].js`
  }
  return 'assets/[name]-[hash].js'
}

const texts = () => [lingui({ failOnMissing: true, failOnCompileError: true }), splitTexts('src/app/main.tsx')]

/** What every build of the app shares; `trustedKeys` are the release keys whose packs this app will run. */
export function appConfig(trustedKeys: readonly string[], beginning: Beginning = APP): UserConfig {
  const chunks = groupChunks(beginning)
  return {
    root: 'src/app',
    // Relative, so that one build serves from any sub-path.
    base: './',
    plugins: [
      workerEntry(),
      plainImports(),
      chunks.plugin,
      ownNamespaces(),
      classicShell(beginning.page),
      shellList(),
      ...texts(),
    ],
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    define: {
      __APP_VERSION__: JSON.stringify(version),
      __TRUSTED_KEYS__: JSON.stringify(trustedKeys),
      __ORT_BASE__: JSON.stringify(`${ORT_FOLDER}/`),
    },
    resolve: {
      // Its package names the ES5 build, twice the size.
      alias: { 'workbox-window': 'workbox-window/build/workbox-window.prod.mjs' },
      // Without the first, onnxruntime-web's bundle has Vite emit the 14 MB wasm a second time.
      conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'],
    },
    worker: { format: 'es', rolldownOptions: { output: { chunkFileNames } } },
    build: {
      outDir: '../../dist/app',
      emptyOutDir: true,
      assetsInlineLimit: 0,
      // It asks the document, which the worker does not have; `groupChunks` names what the page begins with.
      modulePreload: false,
      reportCompressedSize: false,
      license: { fileName: 'licences.md' },
      rolldownOptions: { output: { chunkFileNames, codeSplitting: { groups: chunks.groups } } },
    },
  }
}

export default defineConfig(async () => appConfig([(await loadReleaseKey()).key]))

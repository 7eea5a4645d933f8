import { readFileSync } from 'node:fs'
import { lingui } from '@lingui/vite-plugin'
import { defineConfig, type UserConfig } from 'vite'
import { ORT_FOLDER } from './scripts/ort-runtime.ts'
import { loadReleaseKey } from './src/cli/release-key.ts'

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string }

/** onnxruntime-web's own script goes beside its wasm: loaded when a pack needs it, never part of the shell. */
const chunkFileNames = ({ moduleIds }: { moduleIds: string[] }): string =>
  moduleIds.some((id) => id.includes('/onnxruntime-web/'))
    ? `${ORT_FOLDER}/[name]-[hash].js`
    : 'assets/[name]-[hash].js'

/** What every build of the app shares; `trustedKeys` are the release keys whose packs this app will run. */
export const appConfig = (trustedKeys: readonly string[]): UserConfig => ({
  root: 'src/app',
  // Relative, so that one build serves from any sub-path.
  base: './',
  plugins: [lingui({ failOnMissing: true, failOnCompileError: true })],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  define: {
    __APP_VERSION__: JSON.stringify(version),
    __TRUSTED_KEYS__: JSON.stringify(trustedKeys),
    __ORT_BASE__: JSON.stringify(`../${ORT_FOLDER}/`),
  },
  resolve: {
    // Without the first, onnxruntime-web's bundle has Vite emit the 14 MB wasm a second time.
    conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'],
  },
  worker: { format: 'es', rolldownOptions: { output: { chunkFileNames } } },
  build: {
    outDir: '../../dist/app',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { output: { chunkFileNames } },
  },
})

export default defineConfig(async () => appConfig([(await loadReleaseKey()).key]))

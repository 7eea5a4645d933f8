import { spawnSync } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { build } from 'rolldown'
import { listFiles } from './list-files.ts'
import { workerEntry } from './worker-entry.ts'

/**
 * `import { openKit } from 'jiko'` as plain JavaScript with types. Dependencies stay imports: the page that uses the
 * library has a bundler, and that resolves them, for the worker too.
 */
const out = resolve('dist/library')
await rm(out, { recursive: true, force: true })
await build({
  input: { index: 'src/client/index.ts' },
  platform: 'browser',
  external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  plugins: [workerEntry()],
  logLevel: 'warn',
  output: { dir: out, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
})
const types = spawnSync(
  'tsc',
  ['-p', 'src/client', '--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', `${out}/types`],
  { stdio: 'inherit' },
)
if (types.status !== 0) process.exit(1)
// TypeScript leaves `.ts` in the imports of declarations, where no consumer would find a file.
for (const path of (await listFiles(out)).filter((file) => file.endsWith('.d.ts'))) {
  const file = resolve(out, path)
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replaceAll(/(from '\.[^']*|import\('\.[^']*)\.ts'/g, "$1.js'"))
}
console.log('dist/library/index.js: the library')

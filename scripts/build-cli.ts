import { chmod, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { build } from 'rolldown'

/**
 * The `jiko` command as plain JavaScript: Node does not strip types of packages in node_modules. Dependencies stay
 * imports, so that npm installs and updates them.
 */
const out = resolve('dist/cli')
await rm(out, { recursive: true, force: true })
await build({
  input: { jiko: 'src/cli/main.ts' },
  platform: 'node',
  external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  logLevel: 'warn',
  output: { dir: out, format: 'esm', chunkFileNames: '[name]-[hash].js' },
})
await chmod(resolve(out, 'jiko.js'), 0o755)
console.log('dist/cli/jiko.js: the jiko command')

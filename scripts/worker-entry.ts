import { dirname, resolve } from 'node:path'
import type { Plugin } from 'vite'

const WORKER = /new URL\('(\.[^']*\/worker\/main\.ts)', import\.meta\.url\)/

/**
 * Builds the inference worker as one more entry of the page's own bundle. Vite would bundle it apart, with second
 * copies of all that both use (valibot, comlink, the protocol): a tenth of the shell.
 */
export function workerEntry(): Plugin {
  return {
    name: 'jiko-worker-entry',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      const [whole, path] = WORKER.exec(code) ?? []
      if (!whole || !path) return null
      const reference = this.emitFile({ type: 'chunk', id: resolve(dirname(id), path), name: 'worker' })
      return { code: code.replace(whole, `import.meta.ROLLUP_FILE_URL_${reference}`), map: null }
    },
  }
}

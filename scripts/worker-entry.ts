import { dirname, resolve } from 'node:path'
import type { Plugin } from 'vite'

/** Scripts that run in a scope of their own, by the name of their file in the build. */
const SCRIPTS = { worker: 'worker/main', microphone: 'microphone-worklet' } as const

const PATTERN = new RegExp(
  String.raw`new URL\('(\.[^']*/(${Object.values(SCRIPTS).join('|')})\.ts)', import\.meta\.url\)`,
)

/**
 * Builds the inference worker as one more entry of the page's own bundle, and the audio worklet too. Vite would bundle
 * them apart, with second copies of all that both use (valibot, comlink, the protocol): a tenth of the shell.
 */
export function workerEntry(): Plugin {
  return {
    name: 'jiko-worker-entry',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      const [whole, path, script] = PATTERN.exec(code) ?? []
      const name = Object.entries(SCRIPTS).find(([, file]) => file === script)?.[0]
      if (!whole || !path || !name) return null
      const reference = this.emitFile({ type: 'chunk', id: resolve(dirname(id), path), name })
      return { code: code.replace(whole, `import.meta.ROLLUP_FILE_URL_${reference}`), map: null }
    },
  }
}

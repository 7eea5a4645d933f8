import type { Plugin } from 'vite'

/** Vite's own name for what it wraps every `import()` in. */
const HELPER = '\0vite/preload-helper.js'

/**
 * Vite wraps every `import()`, to preload what a chunk needs and to add its styles. Ours are grouped and have no styles of
 * their own (see `group-chunks.ts`): the wrapper is left with nothing to do, and is kept from the phones.
 */
export function plainImports(): Plugin {
  return {
    name: 'jiko-plain-imports',
    apply: 'build',
    enforce: 'pre',
    load: (id) => (id === HELPER ? 'export const __vitePreload = (load) => load()' : undefined),
  }
}

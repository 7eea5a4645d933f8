/** Set by `vite.config.ts` at build time. */
declare const __APP_VERSION__: string

/** Folder of onnxruntime-web's own files, relative to the app. */
declare const __ORT_BASE__: string

/** Release keys whose packs may run: P-256 points as base64url. */
declare const __TRUSTED_KEYS__: readonly string[]

/** Texts that the first screen may show. */
declare module '*.po' {
  import type { Messages } from '@lingui/core'
  export const messages: Messages
}

/** All others of the same file. */
declare module '*.po?rest' {
  import type { Messages } from '@lingui/core'
  export const messages: Messages
}

/** Style sheets as text. */
declare module '*.css?inline' {
  const css: string
  // biome-ignore lint/style/noDefaultExport: Vite's own
  export default css
}

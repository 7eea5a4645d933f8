/** Set by `vite.config.ts` at build time. */
declare const __APP_VERSION__: string

/** Folder of onnxruntime-web's own files, relative to the app. */
declare const __ORT_BASE__: string

/** Release keys whose packs may run: P-256 points as base64url. */
declare const __TRUSTED_KEYS__: readonly string[]

declare module '*.po' {
  import type { Messages } from '@lingui/core'
  export const messages: Messages
}

/** Set by `vite.config.ts` at build time. */

/** Folder of onnxruntime-web's own files, relative to this worker's script: `new URL(__ORT_BASE__, self.location.href)`. */
declare const __ORT_BASE__: string

/** Release keys whose packs may run: P-256 points as base64url. */
declare const __TRUSTED_KEYS__: readonly string[]

import type { Backend } from './backend.ts'
import { createOrtBackend, type OrtModule, type OrtOptions } from './ort.ts'
import { ORT_THREADS, ORT_WASM } from './ort-ids.ts'

/** onnxruntime-web's plain WebAssembly build, with SIMD: what every phone can run. */
export const createOrtWasmBackend = (options: OrtOptions = {}): Backend =>
  createOrtBackend({ id: ORT_WASM, provider: 'wasm', load: () => import('./ort-wasm-module.ts') }, options)

/** Milliseconds. A thread that could not be started is waited for in vain; a large model takes seconds to load. */
const PATIENCE = 20_000

/**
 * The same on several cores, where the page is cross-origin isolated. How many is said once for a whole runtime, so it is a
 * second one: the same two files, loaded again.
 */
export function createOrtThreadsBackend(options: OrtOptions & { threads: number }): Backend {
  const load = async (): Promise<OrtModule> => {
    const { scriptUrl } = await import('./ort-wasm-module.ts')
    return import(/* @vite-ignore */ `${scriptUrl}?threads`) as Promise<OrtModule>
  }
  const backend = createOrtBackend({ id: ORT_THREADS, provider: 'wasm', patience: PATIENCE, load }, options)
  return { ...backend, name: `${ORT_THREADS} (${options.threads})`, sharesCores: true }
}

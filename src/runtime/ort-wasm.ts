import type { Backend } from './backend.ts'
import { createOrtBackend, type OrtOptions } from './ort.ts'
import { ORT_WASM } from './ort-ids.ts'

/** onnxruntime-web's plain WebAssembly build, with SIMD: what every phone can run. */
export const createOrtWasmBackend = (options: OrtOptions = {}): Backend =>
  createOrtBackend({ id: ORT_WASM, provider: 'wasm', load: () => import('onnxruntime-web/wasm') }, options)

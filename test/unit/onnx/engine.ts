import type { OpenModel } from '../../../src/onnx/engine.ts'
import { createOrtWasmBackend } from '../../../src/runtime/ort-wasm.ts'

const backend = createOrtWasmBackend()

/** The engine of the phone, in Node. */
export const openModel: OpenModel = (model) =>
  backend.createSession({ engine: 'onnx', model: 'model.onnx' }, async () => model)

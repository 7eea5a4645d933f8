import type { OpenModel } from '../onnx/engine.ts'
import type { Backend } from '../runtime/backend.ts'
import { createNanoBackend } from '../runtime/nano/nano.ts'
import { createOrtWasmBackend } from '../runtime/ort-wasm.ts'
import { weighOnnx } from '../runtime/weigh.ts'

/** The engines of the phone, in Node, in the order of preference. */
export interface Engines {
  readonly backends: readonly Backend[]
  /** Loads a one-file ONNX model on onnxruntime-web. */
  readonly open: OpenModel
  /** Where packs are made for others: what an ONNX program takes of a phone's memory. It costs a second each. */
  readonly weigh?: typeof weighOnnx
}

export function createEngines(): Engines {
  const ort = createOrtWasmBackend()
  return {
    backends: [createNanoBackend(), ort],
    open: (model) => ort.createSession({ engine: 'onnx', model: 'model.onnx' }, async () => model),
  }
}

/** The same, for packs that go to others. */
export const createWeighingEngines = (): Engines => ({ ...createEngines(), weigh: weighOnnx })

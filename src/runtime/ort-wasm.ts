import type * as Ort from 'onnxruntime-web/wasm'
import { createMemo } from '../lib/memo.ts'
import { createSerial } from '../lib/serial.ts'
import { JikoError } from '../protocol/error.ts'
import type { Tensor, TensorData, Tensors, TensorType } from '../protocol/tensor.ts'
import type { Backend, Session } from './backend.ts'

export interface OrtWasmOptions {
  /** Where the runtime's two files are, absolute URLs. Left out in Node, which finds them in the package. */
  wasmPaths?: { mjs: string; wasm: string }
}

/** The version is checked against the installed package by a test. */
const ORT_WASM = 'ort-wasm 1.30.0'

type OrtModule = typeof Ort

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function toOrt(ort: OrtModule, { type, dims, data }: Tensor): Ort.Tensor {
  return new ort.Tensor(type, data as TensorData['float32'], dims)
}

function fromOrt(name: string, tensor: Ort.Tensor): Tensor {
  const types = ['float32', 'int8', 'uint8', 'int32', 'int64', 'bool'] as const satisfies readonly TensorType[]
  const type = types.find((known) => known === tensor.type)
  if (!type)
    throw new JikoError('runtime/tensor-type', `output "${name}" has type ${tensor.type}, which is not supported`)
  // ONNX Runtime reuses its heap: a view would change under the caller's feet.
  return { type, dims: tensor.dims, data: tensor.data.slice() } as Tensor
}

/**
 * onnxruntime-web's plain WebAssembly build, one thread, SIMD. Nothing is loaded before the first session. Its
 * initialisation is not re-entrant and a failed one stays failed, so everything goes through one queue, and a worker
 * in which it failed has to be replaced.
 */
export function createOrtWasmBackend({ wasmPaths }: OrtWasmOptions = {}): Backend {
  const serial = createSerial()
  const modules = createMemo<'ort', OrtModule>()

  async function load(): Promise<OrtModule> {
    const ort = await import('onnxruntime-web/wasm')
    ort.env.wasm.numThreads = 1
    // Whatever is an error is thrown as well; its own log would only say it twice.
    ort.env.logLevel = 'fatal'
    if (wasmPaths) ort.env.wasm.wasmPaths = wasmPaths
    return ort
  }

  return {
    id: ORT_WASM,
    name: ORT_WASM,
    engine: 'onnx',
    async createSession(program, read) {
      if (program.engine !== 'onnx')
        throw new JikoError('runtime/engine', `ort-wasm cannot run a ${program.engine} program`)
      const model = await read(program.model)
      const weights = program.weights
      const externalData = weights ? [{ path: fileName(weights), data: await read(weights) }] : []
      const ort = await modules.get('ort', load).catch((cause) => {
        throw new JikoError('runtime/load-failed', `onnxruntime-web could not be loaded: ${messageOf(cause)}`, {
          cause,
        })
      })
      const session = await serial(() =>
        ort.InferenceSession.create(model, {
          executionProviders: ['wasm'],
          graphOptimizationLevel: 'all',
          // Whatever is an error is thrown as well; its own log would only say it twice.
          logSeverityLevel: 4,
          externalData,
        }),
      ).catch((cause) => {
        throw new JikoError('runtime/session-failed', `onnxruntime-web refused the model: ${messageOf(cause)}`, {
          cause,
        })
      })
      return wrap(ort, session, serial)
    },
  }
}

/** An initializer's `location` is a file name beside the model. */
const fileName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

function wrap(
  ort: OrtModule,
  session: Ort.InferenceSession,
  serial: <T>(job: () => Promise<T>) => Promise<T>,
): Session {
  return {
    async run(inputs) {
      const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toOrt(ort, tensor)]))
      const outputs = await serial(() => session.run(feeds)).catch((cause) => {
        throw new JikoError('runtime/run-failed', `onnxruntime-web could not run the model: ${messageOf(cause)}`, {
          cause,
        })
      })
      return Object.fromEntries(
        Object.entries(outputs).map(([name, tensor]) => [name, fromOrt(name, tensor)]),
      ) satisfies Tensors
    },
    dispose: () => serial(() => session.release()),
  }
}

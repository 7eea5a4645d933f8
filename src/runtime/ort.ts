import type * as Ort from 'onnxruntime-web/wasm'
import { createDoom } from '../lib/doom.ts'
import { createMemo } from '../lib/memo.ts'
import { createSerial } from '../lib/serial.ts'
import { JikoError } from '../protocol/error.ts'
import type { Tensor, TensorData, Tensors, TensorType } from '../protocol/tensor.ts'
import type { Backend, Session } from './backend.ts'
import { compileFrom, STAND_IN, withModule } from './ort-module.ts'

export type OrtModule = typeof Ort

export interface OrtOptions {
  /** Where the runtime's two files are, absolute URLs. Left out in Node, which finds them in the package. */
  files?: { mjs: string; wasm: string }
  /** Its WebAssembly as an earlier worker compiled it: compiling is most of what a start costs. */
  compiled?: WebAssembly.Module | undefined
  /** Hears of it when it had to be compiled here. */
  onCompiled?: (module: WebAssembly.Module) => void
  threads?: number
}

/** A build of onnxruntime-web, and what it calls the devices it computes on. */
export interface OrtBuild {
  id: string
  provider: 'wasm' | 'webgpu'
  load(): Promise<OrtModule>
  /** Milliseconds that a run may take; where what is waited for may never come. */
  patience?: number
  /** Calls back when something has happened after which no run would ever end. */
  watch?(ort: OrtModule, onLost: (error: JikoError) => void): void
}

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

/** An initializer's `location` is a file name beside the model. */
const fileName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/**
 * A build of onnxruntime-web as a backend. Nothing is loaded before the first session. Its initialisation is not
 * re-entrant and a failed one stays failed, so everything goes through one queue, and a worker in which it failed has to
 * be replaced.
 */
export function createOrtBackend(build: OrtBuild, { files, compiled, onCompiled, threads = 1 }: OrtOptions): Backend {
  const serial = createSerial()
  const modules = createMemo<'ort', OrtModule>()
  let memory: WebAssembly.Memory | undefined
  let watched = false
  const doom = createDoom()

  async function inTime<T>(work: Promise<T>): Promise<T> {
    const { id, patience } = build
    if (patience === undefined) return work
    const hung = (): void =>
      doom.come(new JikoError('runtime/hung', `${id} did not answer within ${patience / 1000} seconds`))
    const timer = setTimeout(hung, patience)
    try {
      return await work
    } finally {
      clearTimeout(timer)
    }
  }
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => doom.guard(serial(() => inTime(work())))

  async function load(): Promise<OrtModule> {
    const ort = await build.load()
    const { wasm } = ort.env
    wasm.numThreads = threads
    // Whatever is an error is thrown as well; its own log would only say it twice.
    ort.env.logLevel = 'fatal'
    if (!files) return ort
    if (!compiled) {
      compiled = await compileFrom(files.wasm)
      onCompiled?.(compiled)
    }
    wasm.wasmPaths = files
    wasm.wasmBinary = STAND_IN
    return ort
  }

  async function create(ort: OrtModule, model: Uint8Array, externalData: { path: string; data: Uint8Array }[]) {
    const made = await withModule(compiled, () =>
      ort.InferenceSession.create(model, {
        executionProviders: [build.provider],
        graphOptimizationLevel: 'all',
        // Whatever is an error is thrown as well; its own log would only say it twice.
        logSeverityLevel: 4,
        externalData,
      }),
    )
    if (!watched) build.watch?.(ort, doom.come)
    watched = true
    memory ??= made.memory
    return made.value
  }

  return {
    id: build.id,
    name: build.id,
    engine: 'onnx',
    heap: () => memory,
    async createSession(program, read) {
      if (program.engine !== 'onnx')
        throw new JikoError('runtime/engine', `${build.id} cannot run a ${program.engine} program`)
      const loading = modules.get('ort', load).catch((cause) => {
        if (cause instanceof JikoError) throw cause
        throw new JikoError('runtime/load-failed', `onnxruntime-web could not be loaded: ${messageOf(cause)}`, {
          cause,
        })
      })
      const { weights } = program
      // After a restart all of it is on the device, and each waits for the browser's storage.
      const [ort, model, data] = await Promise.all([loading, read(program.model), weights && read(weights)])
      const externalData = weights && data ? [{ path: fileName(weights), data }] : []
      const session = await inTurn(() => create(ort, model, externalData)).catch((cause) => {
        if (cause instanceof JikoError) throw cause
        throw new JikoError('runtime/session-failed', `onnxruntime-web refused the model: ${messageOf(cause)}`, {
          cause,
        })
      })
      return wrap(ort, session, memory, inTurn)
    },
  }
}

function wrap(
  ort: OrtModule,
  session: Ort.InferenceSession,
  memory: WebAssembly.Memory | undefined,
  inTurn: <T>(work: () => Promise<T>) => Promise<T>,
): Session {
  return {
    memory,
    async run(inputs) {
      const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toOrt(ort, tensor)]))
      const outputs = await inTurn(() => session.run(feeds)).catch((cause) => {
        if (cause instanceof JikoError) throw cause
        throw new JikoError('runtime/run-failed', `onnxruntime-web could not run the model: ${messageOf(cause)}`, {
          cause,
        })
      })
      return Object.fromEntries(
        Object.entries(outputs).map(([name, tensor]) => [name, fromOrt(name, tensor)]),
      ) satisfies Tensors
    },
    dispose: () => inTurn(() => session.release()),
  }
}

import { elementCount } from '../protocol/dims.ts'
import { JikoError } from '../protocol/error.ts'
import type { Tensor, Tensors } from '../protocol/tensor.ts'
import { type OpenModel, withModel } from './engine.ts'
import { cloneGraph, type Graph, type GraphValue } from './graph.ts'
import { foldBatchNorm } from './passes/batch-norm.ts'
import { fuseClamps } from './passes/clamps.ts'
import { liftConstants, removeDeadNodes, removeIdentities } from './passes/clean.ts'
import { foldConstants } from './passes/fold-constants.ts'
import type { Pass } from './passes/pass.ts'
import { shareConstants } from './passes/share-constants.ts'
import { upgradeOpset } from './passes/upgrade-opset.ts'
import type { Dims } from './shape.ts'
import { writeModel } from './write.ts'

/** In the order they run; each may leave work to the next. */
export const PASSES: readonly Pass[] = [
  liftConstants,
  foldConstants,
  // After folding: only then are the shapes known that it asks for.
  upgradeOpset,
  removeIdentities,
  foldBatchNorm,
  fuseClamps,
  shareConstants,
  removeDeadNodes,
]

/** What became of a pass. `difference` is the largest one of any output, relative to that output's largest value. */
export interface PassReport {
  readonly pass: string
  readonly changed: number
  readonly kept: boolean
  readonly difference: number
  readonly error?: string
}

/** Rewriting reorders float sums; more than this is not rounding any more. */
const TOLERANCE = 1e-3

export interface SimplifyOptions {
  open: OpenModel
  /** Dims of inputs that the model leaves open. */
  dims?: Readonly<Record<string, Dims>>
  /** Inputs that never change, such as a sample rate: a random one could make no sense. */
  constants?: Tensors
  /** Inputs to compare on, besides random ones. */
  samples?: readonly Tensors[]
  passes?: readonly Pass[]
  signal?: AbortSignal
}

/** Dims to run an input with: those given, else the model's own with 1 for a batch left open. */
export function dimsToRun({ name, dims }: GraphValue, given: Readonly<Record<string, Dims>> = {}): Dims {
  const wanted = given[name]
  if (wanted) return wanted
  if (!dims)
    throw new JikoError('model/open-shape', `The model does not say the shape of its input "${name}"; give it.`)
  return dims.map((dim, i) => {
    if (typeof dim === 'number' && dim > 0) return dim
    if (i === 0) return 1
    throw new JikoError(
      'model/open-shape',
      `Dimension ${i} of the model's input "${name}" is open (${dim ?? '?'}); give its shape.`,
    )
  })
}

/** Repeatable input for every input of a graph: floats in [-1, 1), whole numbers 0 and 1. */
export function randomInputs(graph: Graph, seed: number, dims: Readonly<Record<string, Dims>> = {}): Tensors {
  let state = seed >>> 0
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const make = (value: GraphValue): Tensor => {
    const shape = dimsToRun(value, dims)
    const count = elementCount(shape)
    const numbers = Array.from({ length: count }, next)
    const bits = numbers.map((n) => (n < 0.5 ? 0 : 1))
    if (value.type === 'float32')
      return { type: 'float32', dims: shape, data: Float32Array.from(numbers, (n) => 2 * n - 1) }
    if (value.type === 'int64') return { type: 'int64', dims: shape, data: BigInt64Array.from(bits, BigInt) }
    if (value.type === 'int32') return { type: 'int32', dims: shape, data: Int32Array.from(bits) }
    if (value.type === 'uint8') return { type: 'uint8', dims: shape, data: Uint8Array.from(numbers, (n) => n * 256) }
    if (value.type === 'int8') return { type: 'int8', dims: shape, data: Int8Array.from(numbers, (n) => n * 256 - 128) }
    if (value.type === 'bool') return { type: 'bool', dims: shape, data: Uint8Array.from(bits) }
    throw new JikoError(
      'model/input-type',
      `The model's input "${value.name}" is of type ${value.type ?? 'unknown'}, which is not supported.`,
    )
  }
  return Object.fromEntries(graph.inputs.map((input) => [input.name, make(input)]))
}

/** Largest difference of any output, relative to the largest value of that output; infinite when shapes or NaNs differ. */
export function difference(wanted: Tensors, got: Tensors): number {
  let worst = 0
  for (const [name, { data }] of Object.entries(wanted)) {
    const other = got[name]?.data
    if (other?.length !== data.length) return Number.POSITIVE_INFINITY
    let most = 1e-6
    let gap = 0
    for (let i = 0; i < data.length; i++) {
      const a = Number(data[i])
      const b = Number(other[i])
      if (Object.is(a, b)) continue
      most = Math.max(most, Math.abs(a))
      gap = Math.max(gap, Number.isNaN(a) || Number.isNaN(b) ? Number.POSITIVE_INFINITY : Math.abs(a - b))
    }
    worst = Math.max(worst, gap / most)
  }
  return worst
}

const runAll = (graph: Graph, inputs: readonly Tensors[], open: OpenModel): Promise<Tensors[]> =>
  withModel(open, writeModel(graph.model), async (runner) => {
    const outputs: Tensors[] = []
    for (const input of inputs) outputs.push(await runner.run(input))
    return outputs
  })

/**
 * Makes a graph smaller without changing what it computes: after every pass the result is run against the original on
 * random and sample input, and the pass is dropped, and reported, if it differs. The given graph stays as it is.
 * @throws JikoError `model/open-shape`, `model/input-type`, or what the engine says when it cannot run the original.
 */
export async function simplify(
  original: Graph,
  { open, dims = {}, constants = {}, samples = [], passes = PASSES, signal }: SimplifyOptions,
): Promise<{ graph: Graph; reports: PassReport[] }> {
  const random = [1, 2].map((seed) => ({ ...randomInputs(original, seed, dims), ...constants }))
  const inputs = [...random, ...samples]
  const wanted = await runAll(original, inputs, open)
  const reports: PassReport[] = []
  let graph = cloneGraph(original)
  for (const pass of passes) {
    signal?.throwIfAborted()
    const candidate = cloneGraph(graph)
    try {
      const changed = await pass.run(candidate, { dims, open })
      if (changed === 0) continue
      const got = await runAll(candidate, inputs, open)
      const gap = Math.max(...wanted.map((outputs, i) => difference(outputs, got[i] ?? {})))
      const kept = gap <= TOLERANCE
      reports.push({ pass: pass.name, changed, kept, difference: gap })
      if (kept) graph = candidate
    } catch (cause) {
      reports.push({
        pass: pass.name,
        changed: 0,
        kept: false,
        difference: Number.POSITIVE_INFINITY,
        error: cause instanceof Error ? cause.message : String(cause),
      })
    }
  }
  return { graph, reports }
}

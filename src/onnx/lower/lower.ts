import type { Bytes } from '../../lib/bytes.ts'
import { JikoError } from '../../protocol/error.ts'
import { PLAN_TYPES, type Plan, parsePlan } from '../../protocol/plan.ts'
import { formatPlan } from '../../protocol/plan-format.ts'
import type { TensorType } from '../../protocol/tensor.ts'
import type { ElementType } from '../constant.ts'
import { createGraph, type Graph } from '../graph.ts'
import { widenHalves } from '../half.ts'
import type { NodeProto } from '../onnx_pb.ts'
import { readModel } from '../read.ts'
import { type Dims, inferShapes } from '../shape.ts'
import { lowerConcat } from './concat.ts'
import type { Context, Lowering } from './context.ts'
import { lowerConvTranspose } from './conv-transpose.ts'
import { lowerConv } from './convolution.ts'
import { lowerGemm, lowerMatMul } from './dense.ts'
import { describePlan, type PlanReport } from './describe.ts'
import { lowerDynamicQuantize, lowerMatMulInteger } from './dynamic.ts'
import { ELEMENTWISE } from './elementwise.ts'
import { lowerGather } from './gather.ts'
import { MOVING } from './moving.ts'
import { lowerAveragePool, lowerGlobalAveragePool, lowerMaxPool, lowerReduceMean } from './pool.ts'
import { createProgram } from './program.ts'
import { blame, isUnsupported, type QuantisedConstant, unsupported } from './quantisation.ts'
import { lowerDequantize, lowerQuantize } from './quantise.ts'
import { REAL_NODES } from './real-nodes.ts'
import { REARRANGING } from './rearrange.ts'
import { lowerGru, lowerLstm } from './recurrent.ts'
import { UNARY } from './unary.ts'
import type { Value } from './value.ts'
import { toReal } from './view.ts'

const LOWERINGS: Readonly<Record<string, Lowering>> = {
  QuantizeLinear: lowerQuantize,
  Conv: lowerConv,
  ConvTranspose: lowerConvTranspose,
  Gemm: lowerGemm,
  MatMul: lowerMatMul,
  ...ELEMENTWISE,
  ...REAL_NODES,
  AveragePool: lowerAveragePool,
  MaxPool: lowerMaxPool,
  GlobalAveragePool: lowerGlobalAveragePool,
  ReduceMean: lowerReduceMean,
  ...UNARY,
  ...MOVING,
  ...REARRANGING,
  Concat: lowerConcat,
  Gather: lowerGather,
  DynamicQuantizeLinear: lowerDynamicQuantize,
  MatMulInteger: lowerMatMulInteger,
  LSTM: lowerLstm,
  GRU: lowerGru,
}

export interface LowerOptions {
  /** Shapes of inputs that the model leaves open, by name. */
  dims?: Readonly<Record<string, Dims>>
}

/**
 * Compiles a quantised (QDQ) model ahead for the nano engine. The bytes are what a pack's `{ engine: 'nano', plan }`
 * program names; its answers equal those of onnxruntime's int8, bit for bit.
 *
 * ```ts
 * try {
 *   const { plan, report } = lower(qdqModelBytes)     // or a Graph
 *   programs.unshift({ engine: 'nano', plan: addFile('model.nano', plan) })
 * } catch (error) {
 *   // JikoError 'model/unsupported-by-nano': keep only the onnx program, and say why: error.message has every node
 * }
 * ```
 *
 * @throws JikoError `model/unsupported-by-nano` that names every node that stands in the way, or what reading a model throws.
 */
export function lower(model: Bytes | Graph, { dims = {} }: LowerOptions = {}): { plan: Bytes; report: PlanReport } {
  const graph = widenHalves(model instanceof Uint8Array ? createGraph(readModel(model)) : model)
  const plan = formatPlan(lowerGraph(graph, dims))
  return { plan, report: describePlan(parsePlan(plan), plan.length) }
}

const nameOf = ({ name, opType, output }: NodeProto): string => name || output[0] || opType

/** What a caller of the session gives and gets. */
function tensorType(type: ElementType | undefined): TensorType {
  const known = PLAN_TYPES.find((planned) => planned === (type ?? 'float32'))
  if (!known) throw unsupported(`has type ${type}`)
  return known
}

/** A quantised value by its steps, for an output that is not dequantised. */
function asIntegers(value: Value, type: 'int8' | 'uint8'): Value {
  const steps = { scale: 1, zero: type === 'uint8' ? -128 : 0 }
  return value.kind === 'int8' || (value.kind === 'view' && value.quantisation)
    ? { ...value, quantisation: steps }
    : value
}

function lowerGraph(graph: Graph, fixed: Readonly<Record<string, Dims>>): Plan {
  const program = createProgram()
  const shapes = inferShapes(graph, fixed)
  const values = new Map<string, Value>()
  const constants = new Map<string, QuantisedConstant>()
  const problems: string[] = []
  /** Values that a node which could not be lowered should have made: what follows from them is not a problem of its own. */
  const missing = new Set<string>()

  const dimsOf = (name: string): readonly number[] => {
    const dims = shapes.get(name)
    if (!dims) throw unsupported(`the shape of "${name}" is not known ahead`)
    if (dims.includes(0)) throw unsupported(`"${name}" is empty`)
    return dims
  }

  function contextOf(node: NodeProto): Context {
    const input = (index: number): string => node.input[index] ?? ''
    return {
      graph,
      program,
      node,
      name: nameOf(node),
      dims: dimsOf,
      value: (index) => values.get(input(index)),
      constant: (index) => graph.constant(input(index)),
      quantisedConstant: (index) => constants.get(input(index)),
      set: (value, output = 0) => void values.set(node.output[output] ?? '', value),
    }
  }

  function attempt(name: string, opType: string, work: () => void): boolean {
    try {
      work()
      return true
    } catch (error) {
      const blamed = blame(error, opType, name)
      if (!isUnsupported(blamed)) throw error
      problems.push(blamed.message)
      return false
    }
  }

  for (const { name, type } of graph.inputs) {
    const ok = attempt(name, 'input', () => {
      const dims = dimsOf(name)
      values.set(name, { kind: 'float32', dims, buffer: program.input(name, dims, tensorType(type)) })
    })
    if (!ok) missing.add(name)
  }

  for (const node of graph.nodes) {
    if (node.opType === 'Constant') continue
    const ok =
      !node.input.some((name) => missing.has(name)) &&
      attempt(nameOf(node), node.opType, () => {
        if (node.opType === 'DequantizeLinear') return lowerDequantize(contextOf(node), constants)
        const lowering = node.domain === '' || node.domain === 'ai.onnx' ? LOWERINGS[node.opType] : undefined
        if (!lowering) throw unsupported('is not an operator of nano')
        lowering(contextOf(node))
      })
    if (!ok) for (const name of node.output) missing.add(name)
  }

  for (const { name, type } of graph.outputs) {
    if (missing.has(name)) continue
    attempt(name, 'output', () => {
      const value = values.get(name)
      if (!value || value.kind === 'pending') throw unsupported('is not made by any node')
      const integers = type === 'int8' || type === 'uint8' ? asIntegers(value, type) : value
      const { buffer, dims } = toReal({ program, name } as Context, integers)
      program.output(name, dims, buffer, tensorType(type))
    })
  }

  if (problems.length > 0)
    throw new JikoError(
      'model/unsupported-by-nano',
      `nano cannot run this model, onnxruntime can: ${problems.slice(0, 20).join('; ')}${problems.length > 20 ? ` and ${problems.length - 20} more` : ''}.`,
      { detail: { problems: problems.length, first: problems[0] ?? '' } },
    )
  return program.finish()
}

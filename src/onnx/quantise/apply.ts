import { JikoError } from '../../protocol/error.ts'
import { makeNode } from '../attribute.ts'
import type { Constant } from '../constant.ts'
import { cloneGraph, type Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import { activationParameters, type Parameters, quantise, type Range, saturatesWithin } from './parameters.ts'
import { choosePeaks } from './peaks.ts'
import { activationsOf, chooseNodes, clampAfter, type Role, weightsOf } from './plan.ts'
import { quantiseWeights } from './weights.ts'

/** Range of each float tensor by name, as calibration found it. */
export type Ranges = ReadonlyMap<string, Range>

export interface QuantiseOptions {
  /** Nodes, named by their first output, that stay float. */
  keepFloat?: ReadonlySet<string>
  /** Added to the bias of each output channel of a node (named by first output), against the drift of rounding weights. */
  corrections?: ReadonlyMap<string, ArrayLike<number>>
  /** Bits of a node's weights where they are fewer than 8: still int8, of fewer values, which deflate smaller. */
  bits?: ReadonlyMap<string, number>
}

/** The largest weight of so many bits; the smallest is its negation. */
export const largestOf = (bits: number): number => 2 ** (bits - 1) - 1

/** Per-channel scales came with this version. */
const LEAST_OPSET = 13

/** The tensors whose ranges quantising will ask for. */
export function tensorsToCalibrate(graph: Graph, keepFloat: ReadonlySet<string> = new Set()): string[] {
  const names = [...chooseNodes(graph, keepFloat).keys()].flatMap((node) => [...activationsOf(node), ...node.output])
  return [...new Set(names)].filter((name) => name !== '' && !graph.constant(name))
}

/**
 * Static int8 in the QDQ form, which every ONNX engine understands and ours lowers from: activations asymmetric,
 * weights per channel and symmetric without -128, biases int32. A Clip or Relu vanishes where the saturation of the
 * quantiser does exactly the same. The given graph stays as it is.
 * @throws JikoError `model/opset`, `model/not-calibrated`, `model/nothing-to-quantise`
 */
export const quantiseGraph = (original: Graph, ranges: Ranges, options: QuantiseOptions = {}): Graph =>
  quantiseTraced(original, ranges, options).graph

/** The same, and where the results of nodes with a bias are before they are rounded: by the node's first output. */
export function quantiseTraced(
  original: Graph,
  ranges: Ranges,
  options: QuantiseOptions = {},
): { graph: Graph; results: ReadonlyMap<string, string> } {
  if (original.opset() < LEAST_OPSET) {
    throw new JikoError(
      'model/opset',
      `The model uses opset ${original.opset()}; int8 per channel needs ${LEAST_OPSET}. Export it with a newer opset.`,
    )
  }
  const graph = cloneGraph(original)
  const chosen = chooseNodes(graph, options.keepFloat ?? new Set())
  if (![...chosen.values()].includes('weighted')) {
    throw new JikoError(
      'model/nothing-to-quantise',
      'The model has no Conv, Gemm or MatMul with constant float weights.',
    )
  }
  const parameters = createParameters(graph, chosen, ranges)
  // Options name nodes as they are in the float graph; a node that takes a clamp in also takes its name.
  const named = new Map([...chosen.keys()].map((node) => [node, node.output[0] ?? '']))
  absorbClamps(graph, chosen, parameters)
  quantiseWeighted(graph, chosen, parameters, (node) => {
    const name = named.get(node) ?? ''
    return { correction: options.corrections?.get(name), most: largestOf(options.bits?.get(name) ?? 8) }
  })
  quantiseActivations(graph, chosen, parameters)
  if (graph.model.graph) graph.model.graph.valueInfo = []
  graph.dropUnusedConstants()
  const weighted = [...named].filter(([node]) => chosen.get(node) === 'weighted' && node.opType !== 'MatMul')
  return { graph, results: new Map(weighted.map(([node, name]) => [name, node.output[0] ?? ''])) }
}

type ParametersOf = (tensor: string) => Parameters

/** Nodes that move values hand the parameters of their input on, so that no value is rounded twice. */
function createParameters(graph: Graph, chosen: ReadonlyMap<NodeProto, Role>, ranges: Ranges): ParametersOf {
  const source = (name: string): string => {
    for (let at = name; ; ) {
      const node = graph.producer(at)
      if (!node || chosen.get(node) !== 'moving') return at
      at = node.input[0] ?? ''
    }
  }
  const made = new Map<string, Parameters>()
  // Asked again after nodes were taken out: what was settled before stays.
  for (const node of chosen.keys()) {
    for (const name of [...activationsOf(node), ...node.output]) {
      const from = source(name)
      const constant = graph.constant(from)
      const range = constant ? rangeOf(constant) : ranges.get(from)
      if (!range)
        throw new JikoError('model/not-calibrated', `No range is known for the tensor "${from}"; calibrate again.`)
      made.set(name, activationParameters(range))
    }
  }
  return (tensor) => made.get(tensor) ?? { scale: 1, zeroPoint: 0 }
}

function rangeOf({ data }: Constant): Range {
  let [min, max] = [0, 0]
  for (const value of data) {
    min = Math.min(min, Number(value))
    max = Math.max(max, Number(value))
  }
  return [min, max]
}

function absorbClamps(graph: Graph, chosen: Map<NodeProto, Role>, parameters: ParametersOf): void {
  for (const [node, role] of [...chosen]) {
    if (role === 'moving' || !chosen.has(node)) continue
    const clamp = clampAfter(graph, node)
    const [output = ''] = clamp?.node.output ?? []
    if (!clamp || !chosen.has(clamp.node) || !saturatesWithin(clamp.low, clamp.high, parameters(output))) continue
    chosen.delete(clamp.node)
    node.output = [output]
    graph.update({ remove: [clamp.node] })
  }
}

/** Hands out names that neither the graph nor this step has used. */
function createNamer(graph: Graph): (wish: string) => string {
  const given = new Set<string>()
  return (wish) => {
    let name = graph.freshName(wish)
    for (let i = 2; given.has(name); i++) name = graph.freshName(`${wish}_${i}`)
    given.add(name)
    return name
  }
}

function quantiseWeighted(
  graph: Graph,
  chosen: ReadonlyMap<NodeProto, Role>,
  parameters: ParametersOf,
  wishesOf: (node: NodeProto) => { correction: ArrayLike<number> | undefined; most: number },
): void {
  const nameFor = createNamer(graph)
  const add: NodeProto[] = []
  const constants: [string, Constant][] = []
  const dequantised = (wish: string, value: Constant, scale: Constant, axis: number): string => {
    const [name, stored, steps] = [nameFor(wish), nameFor(`${wish}_${value.type}`), nameFor(`${wish}_scale`)]
    constants.push([stored, value], [steps, scale])
    add.push(makeNode('DequantizeLinear', [stored, steps], [name], { axis }, ''))
    return name
  }
  for (const [node, role] of chosen) {
    const parts = role === 'weighted' ? weightsOf(graph, node) : undefined
    if (!parts) continue
    const [output = ''] = node.output
    const { scale } = parameters(node.input[0] ?? '')
    const { correction, most } = wishesOf(node)
    const bias = node.opType === 'MatMul' ? undefined : corrected(parts.bias, correction)
    const peaks = choosePeaks(parts.weight, parts.axis, most)
    const q = quantiseWeights(parts.weight, parts.axis, scale, bias, peaks, most)
    const weight = dequantised(`${output}_weight`, q.weight, q.scale, parts.axis)
    const offset = q.bias && q.biasScale ? [dequantised(`${output}_bias`, q.bias, q.biasScale, 0)] : []
    node.input = [node.input[0] ?? '', weight, ...offset]
  }
  graph.update({ add, constants })
}

function corrected(
  bias: (Constant & { type: 'float32' }) | undefined,
  correction: ArrayLike<number> | undefined,
): (Constant & { type: 'float32' }) | undefined {
  if (!correction) return bias && { ...bias, dims: [bias.data.length] }
  const data = Float32Array.from(correction, (shift, c) => (bias?.data[c] ?? 0) + shift)
  return { type: 'float32', dims: [data.length], data }
}

function quantiseActivations(graph: Graph, chosen: ReadonlyMap<NodeProto, Role>, parameters: ParametersOf): void {
  const nameFor = createNamer(graph)
  const add: NodeProto[] = []
  const constants: [string, Constant][] = []
  for (const name of new Set([...chosen.keys()].flatMap((node) => [...activationsOf(node), ...node.output]))) {
    if (name === '') continue
    const own = parameters(name)
    const [quantised, scale, zero] = [nameFor(`${name}_int8`), nameFor(`${name}_scale`), nameFor(`${name}_zero`)]
    constants.push([scale, { type: 'float32', dims: [], data: Float32Array.of(own.scale) }])
    constants.push([zero, { type: 'int8', dims: [], data: Int8Array.of(own.zeroPoint) }])
    const constant = graph.constant(name)
    const producer = graph.producer(name)
    const isInt8 = producer !== undefined && chosen.has(producer)
    const isOutput = isInt8 && graph.isOutput(name)
    const before = isOutput ? nameFor(`${name}_float`) : name
    const after = isOutput ? name : nameFor(`${name}_real`)
    // Who reads a value that int8 made must see that value; who reads a float keeps it, unless it works on int8.
    for (const node of graph.consumers(name)) {
      if (isInt8 || chosen.has(node)) node.input = node.input.map((input) => (input === name ? after : input))
    }
    if (isOutput) producer.output = producer.output.map((output) => (output === name ? before : output))
    if (constant) {
      const data = Int8Array.from(constant.data as ArrayLike<number>, (x) => quantise(x, own))
      constants.push([quantised, { type: 'int8', dims: constant.dims, data }])
    } else add.push(makeNode('QuantizeLinear', [before, scale, zero], [quantised], {}, ''))
    add.push(makeNode('DequantizeLinear', [quantised, scale, zero], [after], {}, ''))
  }
  graph.update({ add, constants })
}

import type { Tensor } from '../../protocol/tensor.ts'
import { withModel } from '../engine.ts'
import type { Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import { nodesBetween, writePart } from '../part.ts'
import { quantiseTraced, type Ranges } from './apply.ts'
import { addMeans, type CalibrateOptions, type Samples, type Statistics, studied } from './calibrate.ts'
import { roundEven } from './parameters.ts'

/** What to add to each output channel's bias of a node, by the node's first output. */
export type Corrections = ReadonlyMap<string, Float64Array>

/** A weighted node of the int8 graph, and where its input, its result and its stored bias are. */
interface Layer {
  readonly name: string
  readonly input: string
  readonly result: string
  readonly bias: { readonly steps: string; readonly scale: string }
}

/**
 * Bias corrections by what really comes out (after Nagel et al., 2019, appendix D): layer by layer, the int8 net is run
 * on the samples, and the bias of each channel takes up how far its mean lies from the float one. That sees rounded
 * weights, rounded and clipped activations and padding alike. A layer is measured with all before it corrected already:
 * all at once, each would correct the others' errors too, and deep nets fly apart.
 *
 * Every layer is run twice; what lies between layers is kept as int8, for all samples.
 */
export async function driftCorrections(
  graph: Graph,
  statistics: Statistics,
  ranges: Ranges,
  all: Samples,
  { open, signal, onProgress }: CalibrateOptions,
  bits: ReadonlyMap<string, number> = new Map(),
): Promise<Corrections> {
  const samples = studied(all)
  const wanted = (name: string): Float64Array | undefined => statistics.tensors.get(name)?.means
  // Every node gets a bias, if only of zeros, so that there is one to correct.
  const zeros = new Map([...statistics.tensors].map(([name, { means }]) => [name, new Float64Array(means.length)]))
  const { graph: int8, results } = quantiseTraced(graph, ranges, { corrections: zeros, bits })
  const layers = [...results].flatMap(([name, result]) => (wanted(name) ? layerOf(int8, name, result) : []))
  const values = new Map<string, Tensor[]>()
  for (const { name } of int8.inputs) values.set(name, [])
  for (let i = 0; i < samples.length; i++)
    for (const [name, tensor] of Object.entries(await samples.at(i))) values.get(name)?.push(tensor)

  const known = (name: string): boolean => values.has(name)
  /** Runs what lies between the values at hand and `output` on every sample. */
  async function run(output: string, each: (value: Tensor) => void): Promise<void> {
    const { nodes, read } = nodesBetween(int8, known, [output])
    const types = new Map(read.map((name) => [name, values.get(name)?.[0]?.type ?? 'float32']))
    await withModel(open, writePart(int8, nodes, types, [output]), async (runner) => {
      for (let i = 0; i < samples.length; i++) {
        signal?.throwIfAborted()
        const inputs = Object.fromEntries(
          read.flatMap((name) => {
            const value = values.get(name)?.[i]
            return value ? [[name, value]] : []
          }),
        )
        const value = (await runner.run(inputs))[output]
        if (value) each(value)
      }
    })
  }

  const corrections = new Map<string, Float64Array>()
  for (const [index, { name, input, result, bias }] of layers.entries()) {
    if (!known(input)) {
      const list: Tensor[] = []
      await run(input, (value) => list.push(value))
      values.set(input, list)
    }
    let sums: Float64Array | undefined
    await run(result, (value) => {
      if (value.type === 'float32') sums = addMeans(value, sums)
    })
    const means = wanted(name)
    if (sums && means?.length === sums.length) {
      const measured = sums
      const shift = means.map((mean, channel) => mean - (measured[channel] ?? 0) / samples.length)
      addToBias(int8, bias, shift)
      corrections.set(name, shift)
    }
    forgetUnneeded(
      int8,
      values,
      layers.slice(index + 1).map((layer) => layer.input),
    )
    onProgress?.(index + 1, layers.length)
  }
  return corrections
}

function layerOf(int8: Graph, name: string, result: string): Layer[] {
  const node = int8.producer(result)
  const stored = (index: number): NodeProto | undefined => int8.producer(node?.input[index] ?? '')
  const [input, bias] = [stored(0), stored(2)]
  const [steps = '', scale = ''] = bias?.input ?? []
  if (input?.opType !== 'DequantizeLinear' || int8.constant(steps)?.type !== 'int32') return []
  return [{ name, input: input.input[0] ?? '', result, bias: { steps, scale } }]
}

function addToBias(int8: Graph, { steps, scale }: Layer['bias'], shift: Float64Array): void {
  const [old, step] = [int8.constant(steps), int8.constant(scale)]
  if (old?.type !== 'int32' || step?.type !== 'float32') return
  const data = old.data.map((value, channel) => value + roundEven((shift[channel] ?? 0) / (step.data[channel] ?? 1)))
  int8.setConstant(steps, { type: 'int32', dims: old.dims, data })
}

/** Values that nothing to come is made from. */
function forgetUnneeded(int8: Graph, values: Map<string, Tensor[]>, targets: readonly string[]): void {
  const { read } = nodesBetween(int8, (name) => values.has(name), targets)
  for (const name of values.keys()) if (!read.includes(name)) values.delete(name)
}

import { create } from '@bufbuild/protobuf'
import * as ort from 'onnxruntime-web/wasm'
import type { Bytes } from '../../src/lib/bytes.ts'
import { cloneGraph, createGraph, type Graph } from '../../src/onnx/graph.ts'
import { lower } from '../../src/onnx/lower/lower.ts'
import { ValueInfoProtoSchema } from '../../src/onnx/onnx_pb.ts'
import { readModel } from '../../src/onnx/read.ts'
import { inferShapes } from '../../src/onnx/shape.ts'
import { writeModel } from '../../src/onnx/write.ts'
import { float32, type Tensors } from '../../src/protocol/tensor.ts'
import { loadKernels } from '../../src/runtime/nano/load-kernels.ts'
import { createNanoBackend } from '../../src/runtime/nano/nano.ts'

ort.env.wasm.numThreads = 1
ort.env.logLevel = 'error'

const backend = createNanoBackend()
/** As on an engine without SIMD: only the plain build is there. */
const plainBackend = createNanoBackend({
  load: async () => new Map([...(await loadKernels())].filter(([name]) => name === 'scalar')),
})

/** The answers of the fast kernels, which the plain ones must give too: ints the same, reals nearly. */
export async function runNano(plan: Bytes, inputs: Tensors): Promise<Tensors> {
  const [outputs = {}, plain = {}] = await Promise.all(
    [backend, plainBackend].map(async (engine) => {
      const session = await engine.createSession({ engine: 'nano', plan: 'plan' }, async () => plan)
      return session.run(inputs)
    }),
  )
  for (const [name, { data }] of Object.entries(outputs)) {
    const worst = Array.from(data, Number).reduce(
      (most, value, i) => Math.max(most, Math.abs(value - Number(plain[name]?.data[i])) / Math.max(1, Math.abs(value))),
      0,
    )
    if (!(worst < 1e-6)) throw new Error(`the plain kernels differ from the fast ones in ${name} by ${worst}`)
  }
  return outputs
}

export async function runOrt(
  model: Bytes,
  inputs: Tensors,
  graphOptimizationLevel: 'all' | 'disabled' = 'all',
): Promise<Record<string, ort.Tensor>> {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['wasm'],
    graphOptimizationLevel,
  })
  try {
    const feeds = Object.entries(inputs).map(([name, { type, data, dims }]) => [
      name,
      new ort.Tensor(type, data as Float32Array, dims),
    ])
    return (await session.run(Object.fromEntries(feeds))) as Record<string, ort.Tensor>
  } finally {
    await session.release()
  }
}

/** Its type and shape are left for the engines to find out. */
export function addOutput(graph: Graph, name: string): void {
  graph.model.graph?.output.push(create(ValueInfoProtoSchema, { name }))
}

/** A random input of the model, the same for the same seed; values fill the range of its first QuantizeLinear. */
export function randomInputs(graph: Graph, seed: number): Tensors {
  let state = (seed % 2147483646) + 1
  const random = (): number => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
  const shapes = inferShapes(graph)
  return Object.fromEntries(
    graph.inputs.map(({ name }) => {
      const dims = shapes.get(name) ?? []
      const quantise = graph.consumers(name).find(({ opType }) => opType === 'QuantizeLinear')
      const scale = Number(graph.constant(quantise?.input[1] ?? '')?.data[0] ?? 0.01)
      const zero = graph.constant(quantise?.input[2] ?? '')
      const least = scale * ((zero?.type === 'int8' ? -128 : 0) - Number(zero?.data[0] ?? 0))
      const count = dims.reduce((product, dim) => product * dim, 1)
      return [
        name,
        float32(
          dims,
          Float32Array.from({ length: count }, () => least + random() * 255 * scale),
        ),
      ]
    }),
  )
}

/** The part of a model that makes one value, which becomes its only output. */
function cutAt(graph: Graph, name: string): Bytes {
  const cut = cloneGraph(graph)
  if (cut.model.graph) cut.model.graph.output = []
  addOutput(cut, name)
  const needed = new Set([name])
  for (const node of [...cut.nodes].reverse())
    if (node.output.some((output) => needed.has(output))) for (const input of node.input) needed.add(input)
  cut.update({ remove: cut.nodes.filter((node) => !node.output.some((output) => needed.has(output))) })
  cut.dropUnusedConstants()
  return writeModel(cut.model)
}

export interface Difference {
  name: string
  count: number
  differ: number
  worstSteps: number
}

/**
 * Runs a quantised model on both engines and compares every quantised value in it, in steps of its scale, and every
 * float output, as the largest difference over the largest value. onnxruntime runs a model of its own for each value,
 * cut off there: a second reader of a value would keep it from fusing, and change what it computes.
 *
 * @param every compare only each so-many-th value
 */
export async function compare(model: Bytes, seed = 1, every = 1): Promise<{ steps: Difference[]; outputs: number[] }> {
  const graph = createGraph(readModel(model))
  const inputs = randomInputs(graph, seed)
  const watched = graph.nodes
    .filter(({ opType }) => opType === 'QuantizeLinear')
    .map((node) => ({
      reals: graph.consumers(node.output[0] ?? '')[0]?.output[0] ?? '',
      scale: Number(graph.constant(node.input[1] ?? '')?.data[0]),
    }))
    .filter((_, i) => i % every === 0)
  const all = cloneGraph(graph)
  for (const { reals } of watched) if (!graph.isOutput(reals)) addOutput(all, reals)
  const got = await runNano(lower(createGraph(all.model)).plan, inputs)
  const steps: Difference[] = []
  for (const { reals, scale } of watched) {
    const expected = (await runOrt(cutAt(graph, reals), inputs))[reals]?.data as Float32Array
    const actual = got[reals]?.data as Float32Array
    const off = Array.from(expected, (value, i) => Math.abs(Math.round(((actual[i] ?? Number.NaN) - value) / scale)))
    const differ = off.filter((steps) => steps !== 0).length
    const worstSteps = off.reduce((most, steps) => Math.max(most, steps), 0)
    steps.push({ name: reals, count: expected.length, differ, worstSteps })
  }
  const plain = await runOrt(model, inputs)
  const shipped = await runNano(lower(model).plan, inputs)
  const outputs = graph.outputs.map(({ name }) => {
    const expected = plain[name]?.data as Float32Array
    const actual = shipped[name]?.data as Float32Array
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1
    return expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (actual[i] ?? Number.NaN))), 0) / largest
  })
  return { steps, outputs }
}

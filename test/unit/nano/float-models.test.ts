import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { clone } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../../src/lib/bytes.ts'
import { cloneGraph, createGraph, type Graph } from '../../../src/onnx/graph.ts'
import { fromHalf, storeAsHalf, toHalf } from '../../../src/onnx/half.ts'
import { lower } from '../../../src/onnx/lower/lower.ts'
import { NodeProtoSchema } from '../../../src/onnx/onnx_pb.ts'
import { readModel } from '../../../src/onnx/read.ts'
import type { Dims } from '../../../src/onnx/shape.ts'
import { randomInputs, simplify } from '../../../src/onnx/simplify.ts'
import { writeModel } from '../../../src/onnx/write.ts'
import type { Tensor, Tensors } from '../../../src/protocol/tensor.ts'
import { addOutput, runNano, runOrt } from '../../helpers/compare-engines.ts'
import { valueInfo } from '../../helpers/qdq-graph.ts'
import { openModel as open } from '../onnx/engine.ts'

/** Supplied beside the project, not part of it: without them these tests are skipped. */
const SUPPLIED = fileURLToPath(new URL('../../../../shared/materials/models/', import.meta.url))

/** With the dims that a model leaves open. */
const MODELS: Record<string, Record<string, Dims>> = {
  'cifar10-resnet8/cifar_int8.float.onnx': {},
  'kws-dscnn-mlperf-tiny/kws_int8.float.onnx': {},
  'person-vww-96/vww_int8.float.onnx': {},
  'imagenet-mobilenet/mobilenet_v1_0.25_128_quant.float.onnx': {},
  'face-ultraface/version-slim-320.onnx': {},
  'face-yunet/yunet_n_320_320.onnx': {},
  'mnist-cntk/mnist.onnx': {},
  'filetype-magika/model.onnx': { bytes: [1, 2048] },
  'ocr-ppocr/ch_ppocr_mobile_v2.0_cls_infer.onnx': { x: [1, 3, 48, 192] },
  'ocr-ppocr/en_number_mobile_v2.0_rec_infer.onnx': { x: [1, 3, 32, 160] },
  'ocr-ppocr/ch_PP-OCRv3_det_infer.onnx': { x: [1, 3, 160, 160] },
}

/** Every value of a model as onnxruntime computes it, nothing fused. */
async function allValues(graph: Graph, inputs: Tensors): Promise<Tensors> {
  const all = cloneGraph(graph)
  for (const name of graph.nodes.flatMap(({ output }) => output))
    if (name !== '' && !graph.isOutput(name)) addOutput(all, name)
  return (await runOrt(writeModel(all.model), inputs, 'disabled')) as unknown as Tensors
}

/** The model cut between all its nodes: each reads what onnxruntime computed, under another name. */
function cutEverywhere(graph: Graph, values: Tensors): { model: Bytes; inputs: Tensors } {
  const inputs = new Map<string, Tensor>()
  const nodes = graph.nodes
    .filter(({ opType }) => opType !== 'Constant')
    .map((node) => {
      const input = node.input.map((name) => {
        const value = values[name]
        if (!value || graph.constant(name)) return name
        inputs.set(`${name}/given`, value)
        return `${name}/given`
      })
      return clone(NodeProtoSchema, { ...node, input })
    })
  const cut = cloneGraph(graph)
  if (cut.model.graph) {
    cut.model.graph.node = nodes
    cut.model.graph.input = [...inputs].map(([name, { type, dims }]) => valueInfo(name, dims, type))
    cut.model.graph.output = []
  }
  const again = createGraph(cut.model)
  for (const name of nodes.flatMap(({ output }) => output)) if (name !== '') addOutput(again, name)
  return { model: writeModel(again.model), inputs: Object.fromEntries(inputs) }
}

/** The largest difference, relative to the largest value, or to 0.1: onnxruntime's own Sigmoid is off by 1e-7. */
function difference({ data }: Tensor, other: Tensor | undefined): number {
  const values = Array.from(data as ArrayLike<number>, Number)
  const mine = Array.from((other?.data ?? []) as ArrayLike<number>, Number)
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0.1)
  return values.reduce((most, value, i) => Math.max(most, Math.abs(value - (mine[i] ?? Number.NaN)) / largest), 0)
}

describe.skipIf(!existsSync(SUPPLIED))('supplied float models with weights in float16', () => {
  for (const path of ['face-yunet/yunet_n_320_320.onnx', 'cifar10-resnet8/cifar_int8.float.onnx']) {
    test(`${path} answers as with the same weights in float32, bit for bit`, async () => {
      const { graph } = await simplify(createGraph(readModel(new Uint8Array(readFileSync(SUPPLIED + path)))), { open })
      const half = storeAsHalf(graph)
      expect(half.nodes.length).toBeGreaterThan(graph.nodes.length)
      const rounded = cloneGraph(graph)
      for (const name of graph.constants) {
        const constant = graph.constant(name)
        if (constant?.type !== 'float32' || constant.data.length < 64) continue
        rounded.setConstant(name, { ...constant, data: constant.data.map((value) => fromHalf(toHalf(value))) })
      }
      const inputs = randomInputs(graph, 7)
      const got = await runNano(lower(half).plan, inputs)
      expect(got).toEqual(await runNano(lower(rounded).plan, inputs))
      const wanted = (await runOrt(writeModel(half.model), inputs)) as unknown as Tensors
      for (const { name } of graph.outputs)
        expect(difference(wanted[name] as Tensor, got[name]), name).toBeLessThan(1e-4)
    })
  }
})

describe.skipIf(!existsSync(SUPPLIED))('supplied float models, node by node, against onnxruntime', () => {
  for (const [path, dims] of Object.entries(MODELS)) {
    test(path, { timeout: 180_000 }, async () => {
      const original = createGraph(readModel(new Uint8Array(readFileSync(SUPPLIED + path))))
      const { graph } = await simplify(original, { open, dims })
      const inputs = randomInputs(graph, 7, dims)
      const values = { ...inputs, ...(await allValues(graph, inputs)) }
      const cut = cutEverywhere(graph, values)
      const got = await runNano(lower(cut.model).plan, cut.inputs)
      expect(Object.keys(got).length).toBeGreaterThan(8)
      const off = Object.keys(got).map((name) => ({ name, off: difference(values[name] as Tensor, got[name]) }))
      expect(off.filter((one) => !(one.off < 1e-5))).toEqual([])
      // And whole, as it ships: there differences add up.
      const whole = await runNano(lower(graph, { dims }).plan, inputs)
      for (const { name } of graph.outputs)
        expect(difference(values[name] as Tensor, whole[name]), name).toBeLessThan(1e-4)
    })
  }
})

import { create } from '@bufbuild/protobuf'
import { makeNode } from '../../../src/onnx/attribute.ts'
import { type Constant, type ElementType, elementCode, fromConstant } from '../../../src/onnx/constant.ts'
import { type ModelProto, ModelProtoSchema, type NodeProto, ValueInfoProtoSchema } from '../../../src/onnx/onnx_pb.ts'

type Ends = Readonly<Record<string, readonly (number | string)[]>>

const values = (ends: Ends, type: ElementType) =>
  Object.entries(ends).map(([name, dims]) =>
    create(ValueInfoProtoSchema, {
      name,
      type: {
        value: {
          case: 'tensorType',
          value: {
            elemType: elementCode(type),
            shape: {
              dim: dims.map((dim) => ({
                value:
                  typeof dim === 'number'
                    ? ({ case: 'dimValue', value: BigInt(dim) } as const)
                    : ({ case: 'dimParam', value: dim } as const),
              })),
            },
          },
        },
      },
    }),
  )

/** A model from its parts; all inputs and outputs are float32. */
export function makeModel(parts: {
  inputs: Ends
  outputs: Ends
  constants?: Readonly<Record<string, Constant>>
  nodes: NodeProto[]
  opset?: number
}): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: BigInt(parts.opset ?? 13) }],
    graph: {
      name: 'test',
      input: values(parts.inputs, 'float32'),
      output: values(parts.outputs, 'float32'),
      initializer: Object.entries(parts.constants ?? {}).map(([name, constant]) => fromConstant(name, constant)),
      node: parts.nodes,
    },
  })
}

/** Repeatable numbers in [-1, 1). */
export function createRandom(seed = 1): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

export function randomFloats(dims: readonly number[], random: () => number, scale = 1): Constant {
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random() * scale)
  return { type: 'float32', dims, data }
}

/** conv 3x3 -> batch norm -> clip 0..6 -> depthwise 3x3 stride 2 -> relu -> global average -> reshape -> gemm: [1,3,16,16] to [1,4]. */
export function makeSmallNet(seed = 1): ModelProto {
  const random = createRandom(seed)
  const positive = (n: number): Constant => ({
    type: 'float32',
    dims: [n],
    data: Float32Array.from({ length: n }, () => 1 + random() / 2),
  })
  return makeModel({
    inputs: { x: [1, 3, 16, 16] },
    outputs: { y: [1, 4] },
    constants: {
      w1: randomFloats([8, 3, 3, 3], random, 0.5),
      gamma: positive(8),
      beta: randomFloats([8], random),
      mean: randomFloats([8], random, 0.3),
      variance: positive(8),
      low: { type: 'float32', dims: [], data: Float32Array.of(0) },
      high: { type: 'float32', dims: [], data: Float32Array.of(6) },
      w2: randomFloats([8, 1, 3, 3], random, 0.7),
      b2: randomFloats([8], random, 0.2),
      shape: { type: 'int64', dims: [2], data: BigInt64Array.of(1n, -1n) },
      w3: randomFloats([4, 8], random),
      b3: randomFloats([4], random),
    },
    nodes: [
      makeNode('Conv', ['x', 'w1'], ['c1'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
      makeNode('BatchNormalization', ['c1', 'gamma', 'beta', 'mean', 'variance'], ['n1'], { epsilon: { float: 1e-5 } }),
      makeNode('Clip', ['n1', 'low', 'high'], ['r1']),
      makeNode('Conv', ['r1', 'w2', 'b2'], ['c2'], {
        kernel_shape: [3, 3],
        pads: [1, 1, 1, 1],
        strides: [2, 2],
        group: 8,
      }),
      makeNode('Relu', ['c2'], ['r2']),
      makeNode('GlobalAveragePool', ['r2'], ['p']),
      makeNode('Reshape', ['p', 'shape'], ['f']),
      makeNode('Gemm', ['f', 'w3', 'b3'], ['y'], { transB: 1 }),
    ],
  })
}

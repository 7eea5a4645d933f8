import { create } from '@bufbuild/protobuf'
import type { Bytes } from '../../src/lib/bytes.ts'
import { type AttributeValue, makeNode } from '../../src/onnx/attribute.ts'
import { type Constant, type ElementType, elementCode, fromConstant } from '../../src/onnx/constant.ts'
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../../src/onnx/onnx_pb.ts'
import { writeModel } from '../../src/onnx/write.ts'

type Int8Type = 'int8' | 'uint8'

export interface Activation {
  type: Int8Type
  scale: number
  /** In its own type: 0..255 or -128..127. */
  zero: number
}

export interface WeightsWish {
  dims: number[]
  type?: Int8Type
  /** Only for per-tensor weights. */
  zero?: number
  perChannel?: boolean
  axis?: number
  /** Largest magnitude of int8 weights; 127 when left out. */
  limit?: number
  /** About what the scales should be. */
  scale?: number
}

/** Park-Miller, so that a seed is a graph. */
export function createRandom(seed: number): (below: number) => number {
  let state = (seed % 2147483646) + 1
  return (below) => {
    state = (state * 48271) % 2147483647
    return state % below
  }
}

export function valueInfo(name: string, dims: readonly number[], type: ElementType = 'float32'): ValueInfoProto {
  const shape = create(TensorShapeProtoSchema, {
    dim: dims.map((dim) =>
      create(TensorShapeProto_DimensionSchema, { value: { case: 'dimValue', value: BigInt(dim) } }),
    ),
  })
  const tensor = create(TypeProto_TensorSchema, { elemType: elementCode(type), shape })
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  })
}

/** Writes small quantised models node by node, the way quantisers do. */
export function createQdqGraph(seed: number, opset = 13) {
  const random = createRandom(seed)
  const nodes: NodeProto[] = []
  const tensors: TensorProto[] = []
  const inputs: ValueInfoProto[] = []
  const outputs: ValueInfoProto[] = []
  let count = 0
  const fresh = (what: string): string => `${what}_${count++}`

  function constant(what: string, value: Constant): string {
    const name = fresh(what)
    tensors.push(fromConstant(name, value))
    return name
  }
  const floats = (values: number[], dims: number[] = []): Constant => ({
    type: 'float32',
    dims,
    data: Float32Array.from(values),
  })
  function zeroPoints(type: Int8Type, values: number[], dims: number[] = []): Constant {
    return type === 'int8'
      ? { type, dims, data: Int8Array.from(values) }
      : { type, dims, data: Uint8Array.from(values) }
  }
  function node(opType: string, input: string[], attributes: Record<string, AttributeValue> = {}): string {
    const output = fresh(opType.toLowerCase())
    nodes.push(makeNode(opType, input, [output], attributes))
    return output
  }

  return {
    random,
    constant,
    floats,
    node,
    input(dims: number[], type?: ElementType): string {
      const name = fresh('input')
      inputs.push(valueInfo(name, dims, type))
      return name
    },
    output(name: string, dims: number[], type?: ElementType): void {
      outputs.push(valueInfo(name, dims, type))
    },
    /** A node with several outputs; an empty name leaves one out. */
    nodes(
      opType: string,
      input: string[],
      outputs: string[],
      attributes: Record<string, AttributeValue> = {},
    ): string[] {
      const made = outputs.map((name) => (name === '' ? '' : fresh(name)))
      nodes.push(makeNode(opType, input, made, attributes))
      return made
    },
    /** Random reals between -1 and 1 as a constant. */
    reals(dims: number[], spread = 1): string {
      const count = dims.reduce((product, dim) => product * dim, 1)
      return constant(
        'reals',
        floats(
          Array.from({ length: count }, () => ((random(2000) - 999.5) / 1000) * spread),
          dims,
        ),
      )
    },
    integers(values: number[], dims = [values.length]): string {
      return constant('integers', { type: 'int64', dims, data: BigInt64Array.from(values, BigInt) })
    },
    /** A node with several outputs of equal size. */
    split(name: string, parts: number, axis: number): string[] {
      const made = Array.from({ length: parts }, () => fresh('split'))
      nodes.push(makeNode('Split', [name], made, { axis }))
      return made
    },
    /** QuantizeLinear and DequantizeLinear behind a value. */
    quantised(name: string, { type, scale, zero }: Activation): string {
      const parameters = [constant('scale', floats([scale])), constant('zero', zeroPoints(type, [zero]))]
      return node('DequantizeLinear', [node('QuantizeLinear', [name, ...parameters]), ...parameters])
    },
    /** Random weights behind a DequantizeLinear, and their scales. */
    weights({ dims, type = 'int8', zero = 0, perChannel = false, axis = 0, limit = 127, scale = 0.01 }: WeightsWish) {
      const channels = perChannel ? (dims[axis] ?? 1) : 1
      const scales = Array.from({ length: channels }, () => Math.fround(scale * (0.5 + random(1000) / 1000)))
      const size = dims.reduce((product, dim) => product * dim, 1)
      const values = Array.from({ length: size }, () => (type === 'int8' ? random(2 * limit + 1) - limit : random(256)))
      const shape = perChannel ? [channels] : []
      const name = node(
        'DequantizeLinear',
        [
          constant('weights', zeroPoints(type, values, dims)),
          constant('scale', floats(scales, shape)),
          constant(
            'zero',
            zeroPoints(
              type,
              scales.map(() => zero),
              shape,
            ),
          ),
        ],
        perChannel ? { axis } : {},
      )
      return { name, scales }
    },
    /** A random int32 bias in units of input scale times weight scale. */
    bias(channels: number, inputScale: number, weightScales: number[], reach = 2000): string {
      const scales = weightScales.map((scale) => Math.fround(Math.fround(inputScale) * scale))
      const shape = scales.length > 1 ? [scales.length] : []
      const data = Int32Array.from({ length: channels }, () => random(2 * reach) - reach)
      return node(
        'DequantizeLinear',
        [
          constant('bias', { type: 'int32', dims: [channels], data }),
          constant('scale', floats(scales, shape)),
          constant('zero', { type: 'int32', dims: shape, data: new Int32Array(scales.length) }),
        ],
        shape.length > 0 ? { axis: 0 } : {},
      )
    },
    build(): Bytes {
      return writeModel(
        create(ModelProtoSchema, {
          irVersion: 8n,
          opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })],
          graph: create(GraphProtoSchema, {
            name: 'test',
            node: nodes,
            initializer: tensors,
            input: inputs,
            output: outputs,
          }),
        }),
      )
    },
  }
}

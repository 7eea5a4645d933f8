import { create } from '@bufbuild/protobuf'
import { type Constant, floats, toConstant } from './constant.ts'
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type NodeProto,
  NodeProtoSchema,
} from './onnx_pb.ts'

const find = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute.find((attribute) => attribute.name === name)

export const hasAttribute = (node: NodeProto, name: string): boolean => find(node, name) !== undefined

/** An integer; beyond 2^53 it is rounded, which only "to the end" markers are. */
export const intAttribute = <T extends number | undefined>(node: NodeProto, name: string, otherwise: T): number | T => {
  const found = find(node, name)
  return found ? Number(found.i) : otherwise
}

export const intsAttribute = (node: NodeProto, name: string): number[] | undefined => find(node, name)?.ints.map(Number)

export const floatAttribute = <T extends number | undefined>(node: NodeProto, name: string, otherwise: T): number | T =>
  find(node, name)?.f ?? otherwise

export const stringAttribute = (node: NodeProto, name: string, otherwise: string): string => {
  const bytes = find(node, name)?.s
  return bytes ? new TextDecoder().decode(bytes) : otherwise
}

export const tensorAttribute = (node: NodeProto, name: string): Constant | undefined => {
  const tensor = find(node, name)?.t
  return tensor && toConstant(tensor)
}

/** What a `Constant` node holds, whichever of its attributes holds it; undefined for strings and sparse tensors. */
export function constantValue(node: NodeProto): Constant | undefined {
  const whole = tensorAttribute(node, 'value')
  if (whole) return whole
  const one = find(node, 'value_float') ?? find(node, 'value_floats')
  if (one)
    return floats(one.type === Kind.FLOAT ? [] : [one.floats.length], one.type === Kind.FLOAT ? [one.f] : one.floats)
  const whole64 = find(node, 'value_int') ?? find(node, 'value_ints')
  if (!whole64) return undefined
  const list = whole64.type === Kind.INT ? [whole64.i] : whole64.ints
  return { type: 'int64', dims: whole64.type === Kind.INT ? [] : [list.length], data: BigInt64Array.from(list) }
}

/** The graphs inside a node (`If`, `Loop`, `Scan`). */
export const subgraphs = (node: NodeProto): GraphProto[] =>
  node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs))

/** What an attribute can be made from: integers, or strings; floats by `{ float }`. */
export type AttributeValue = number | readonly number[] | string | { float: number }

function makeAttribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') return create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(value) })
  if (typeof value === 'string')
    return create(AttributeProtoSchema, { name, type: Kind.STRING, s: new TextEncoder().encode(value) })
  if ('float' in value) return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: value.float })
  return create(AttributeProtoSchema, { name, type: Kind.INTS, ints: value.map(BigInt) })
}

export function makeNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  name = output[0] ?? '',
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    name,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([key, value]) => makeAttribute(key, value)),
  })
}

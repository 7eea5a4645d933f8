import { create } from '@bufbuild/protobuf'
import type { Bytes } from '../lib/bytes.ts'
import type { TensorType } from '../protocol/tensor.ts'
import { elementCode } from './constant.ts'
import { copyMessage } from './copy.ts'
import { type Graph, readBy } from './graph.ts'
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx_pb.ts'
import { writeModel } from './write.ts'

/** The nodes that make `outputs` when `known` values are given, in order, and which of the known they read. */
export function nodesBetween(
  graph: Graph,
  known: (name: string) => boolean,
  outputs: readonly string[],
): { nodes: NodeProto[]; read: string[] } {
  const wanted = new Set(outputs.filter((name) => !known(name)))
  const read = new Set(outputs.filter(known))
  const nodes: NodeProto[] = []
  for (const node of [...graph.nodes].reverse()) {
    if (!node.output.some((name) => wanted.has(name))) continue
    nodes.push(node)
    for (const name of readBy(node)) {
      if (known(name)) read.add(name)
      else if (name !== '') wanted.add(name)
    }
  }
  return { nodes: nodes.reverse(), read: [...read] }
}

/** A model of only those nodes. Shapes are left open: the engine sees what it is fed. */
export function writePart(
  graph: Graph,
  nodes: readonly NodeProto[],
  inputs: ReadonlyMap<string, TensorType>,
  outputs: readonly string[],
): Bytes {
  const needed = new Set(nodes.flatMap(readBy))
  const value = (name: string, type?: TensorType): ValueInfoProto =>
    create(ValueInfoProtoSchema, {
      name,
      ...(type && { type: { value: { case: 'tensorType', value: { elemType: elementCode(type) } } } }),
    })
  return writeModel(
    copyMessage(ModelProtoSchema, graph.model, {
      graph: create(GraphProtoSchema, {
        name: 'part',
        node: [...nodes],
        initializer: graph.model.graph?.initializer.filter(({ name }) => needed.has(name)) ?? [],
        input: [...inputs].map(([name, type]) => value(name, type)),
        output: outputs.map((name) => value(name)),
      }),
    }),
  )
}

import { create } from '@bufbuild/protobuf'
import type { Tensor } from '../../protocol/tensor.ts'
import { intAttribute, subgraphs } from '../attribute.ts'
import { type Constant, integers } from '../constant.ts'
import { copyMessage } from '../copy.ts'
import { withModel } from '../engine.ts'
import type { Graph } from '../graph.ts'
import { GraphProtoSchema, ModelProtoSchema, type NodeProto, ValueInfoProtoSchema } from '../onnx_pb.ts'
import { inferShapes, type Shapes } from '../shape.ts'
import { writeModel } from '../write.ts'
import type { Pass, PassContext } from './pass.ts'

/** A folded constant larger than this would cost the wire more than its computation costs the phone. */
const MAX_FOLDED_ELEMENTS = 1 << 18

/** What must be asked anew at each run, and what quantised weights are kept small by. */
const NEVER = /^(Random|Multinomial|Bernoulli|DequantizeLinear|Constant$|Shape$)/

/** `Shape` of a value whose dims are known. */
function foldShapes(graph: Graph, shapes: Shapes): number {
  const known = graph.nodes.flatMap((node) => {
    const dims = node.opType === 'Shape' ? shapes.get(node.input[0] ?? '') : undefined
    if (!dims) return []
    const value = integers(dims.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', undefined)))
    return [{ node, constant: [node.output[0] ?? '', value] as const }]
  })
  graph.update({ remove: known.map(({ node }) => node), constants: known.map(({ constant }) => constant) })
  return known.length
}

/** Nodes that depend on constants only. */
function constantNodes(graph: Graph): NodeProto[] {
  const fixed = new Set(graph.constants)
  const found: NodeProto[] = []
  for (const node of graph.nodes) {
    if (NEVER.test(node.opType) || subgraphs(node).length > 0 || node.output.length !== 1) continue
    if (!node.input.every((name) => name === '' || fixed.has(name))) continue
    found.push(node)
    for (const name of node.output) fixed.add(name)
  }
  return found
}

async function compute(graph: Graph, nodes: readonly NodeProto[], names: readonly string[], { open }: PassContext) {
  const needed = new Set(nodes.flatMap((node) => node.input))
  const whole = graph.model.graph ?? create(GraphProtoSchema)
  const part = copyMessage(ModelProtoSchema, graph.model, {
    functions: [],
    graph: create(GraphProtoSchema, {
      name: 'constants',
      node: [...nodes],
      initializer: whole.initializer.filter(({ name }) => needed.has(name)),
      output: names.map((name) => create(ValueInfoProtoSchema, { name })),
    }),
  })
  return withModel(open, writeModel(part), (runner) => runner.run({}))
}

/** Computes once, with the engine itself, whatever does not depend on the input. */
export const foldConstants: Pass = {
  name: 'constant folding',
  async run(graph, context) {
    let count = 0
    const tooLarge = new Set<string>()
    // A folded value can make shapes known, and a known shape more constants; real graphs settle in two or three rounds.
    for (let changed = 1; changed > 0; ) {
      const shapes = inferShapes(graph, context.dims)
      changed = foldShapes(graph, shapes)
      const nodes = constantNodes(graph)
      const inside = new Set(nodes)
      const names = nodes
        .flatMap((node) => node.output)
        .filter((name) => graph.isOutput(name) || graph.consumers(name).some((reader) => !inside.has(reader)))
        .filter((name) => !tooLarge.has(name))
      if (names.length > 0) {
        const values = await compute(graph, nodes, names, context)
        const folded = names.filter((name) => isWorthIt(graph, name, values[name]))
        for (const name of names) if (!folded.includes(name)) tooLarge.add(name)
        graph.update({
          remove: folded.flatMap((name) => graph.producer(name) ?? []),
          constants: folded.flatMap((name) => {
            const value = values[name]
            return value ? [[name, asConstant(value)] as const] : []
          }),
        })
        changed += folded.length
      }
      count += changed
    }
    return count
  },
}

/** Not when it would blow the file up: more than it is made from, and more than a little. */
function isWorthIt(graph: Graph, name: string, value: Tensor | undefined): boolean {
  const from = graph.producer(name)?.input.map((input) => graph.constant(input)?.data.length ?? 0) ?? []
  return value !== undefined && value.data.length <= Math.max(MAX_FOLDED_ELEMENTS, ...from)
}

const asConstant = ({ type, dims, data }: Tensor): Constant => ({ type, dims, data }) as Constant

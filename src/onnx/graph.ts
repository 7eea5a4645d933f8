import { clone, create } from '@bufbuild/protobuf'
import { JikoError } from '../protocol/error.ts'
import { constantValue, subgraphs } from './attribute.ts'
import { type Constant, type ElementType, elementTypeOf, fromConstant, toConstant } from './constant.ts'
import { copyMessage } from './copy.ts'
import {
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type ValueInfoProto,
} from './onnx_pb.ts'

/** An input or output of the model. A dimension is a number, a name (`batch`), or null when nothing is known of it. */
export interface GraphValue {
  readonly name: string
  readonly type: ElementType | undefined
  readonly dims: readonly (number | string | null)[] | undefined
}

/**
 * A model as a graph to look at and to edit. Values are named by strings; the empty name is an input left out.
 *
 * ```ts
 * const graph = createGraph(readModel(bytes))
 * for (const node of graph.nodes) {            // in an order in which they can run
 *   node.opType; node.domain; node.input[0]; node.output[0]
 *   graph.constant(node.input[1] ?? '')        // { type, dims, data } of an initialiser or a Constant node
 *   graph.producer(node.input[0] ?? '')        // the node that makes it
 *   graph.consumers(node.output[0] ?? '')      // the nodes that read it
 *   intsAttribute(node, 'strides')             // from attribute.ts
 * }
 * inferShapes(graph)                           // from shape.ts: Map of name to static dims
 * ```
 *
 * Edit through the functions at the end only: they keep the indices right. Weights are read-only: replace, do not write into them.
 */
export interface Graph {
  /** The whole model; its graph is what this is a view of. Hand it to `writeModel` or `writeExternal`. */
  readonly model: ModelProto
  readonly nodes: readonly NodeProto[]
  /** What must be fed: inputs that are not initialisers. */
  readonly inputs: readonly GraphValue[]
  readonly outputs: readonly GraphValue[]
  /** Version of an operator set; 0 when the model does not import it. */
  opset(domain?: string): number
  producer(name: string): NodeProto | undefined
  /** Nodes that read the value, also from a graph inside them. A node that reads it twice is listed once. */
  consumers(name: string): readonly NodeProto[]
  isOutput(name: string): boolean
  /** Value of an initialiser or a `Constant` node; undefined when it is neither or has no typed array (strings, 4-bit). */
  constant(name: string): Constant | undefined
  /** Names of the initialisers. */
  readonly constants: readonly string[]
  /** A name that nothing has yet, beginning with the one wished for. */
  freshName(wish: string): string

  setConstant(name: string, value: Constant): void
  /** Every node (and no output) that read `from` reads `to` afterwards. */
  replaceUses(from: string, to: string, except?: readonly NodeProto[]): void
  /** Takes nodes out, puts others and constants in, as one step. @throws JikoError `model/bad-graph` when that leaves a cycle or a hole. */
  update(change: GraphChange): void
  /**
   * Says that the nodes mean what they mean in this version. The file format is raised with it; with that an
   * initialiser is a constant, not the default of an input as it was in old files.
   */
  setOpset(version: number): void
  /** Drops initialisers that nothing reads. */
  dropUnusedConstants(): void
}

/** The version of the file format that came with opset 13. */
const LEAST_IR_VERSION = 7n

export interface GraphChange {
  remove?: Iterable<NodeProto>
  add?: Iterable<NodeProto>
  constants?: Iterable<readonly [string, Constant]>
}

/** Names that a graph inside a node takes from outside. */
function captured(graph: GraphProto): string[] {
  const own = new Set([...graph.input, ...graph.initializer].map(({ name }) => name))
  for (const node of graph.node) for (const name of node.output) own.add(name)
  return [...graph.node.flatMap(readBy), ...graph.output.map(({ name }) => name)].filter((name) => !own.has(name))
}

/** All names that a node reads. */
export const readBy = (node: NodeProto): string[] => [...node.input, ...subgraphs(node).flatMap(captured)]

function toValue({ name, type }: ValueInfoProto): GraphValue {
  const tensor = type?.value.case === 'tensorType' ? type.value.value : undefined
  const dims = tensor?.shape?.dim.map(({ value }) =>
    value.case === 'dimValue' ? (value.value >= 0n ? Number(value.value) : null) : (value.value ?? null),
  )
  return { name, type: tensor && elementTypeOf(tensor.elemType), dims }
}

const badGraph = (why: string): JikoError =>
  new JikoError('model/bad-graph', `The model's graph is broken: ${why}. Check it with the tool that made it.`)

const nameOf = (node: NodeProto): string => `${node.opType} "${(node.name || node.output[0] || '').slice(0, 80)}"`

/** Nodes in an order in which each comes after what it reads; keeps the given order where that already holds. */
function sorted(nodes: readonly NodeProto[], known: ReadonlySet<string>): NodeProto[] {
  const producers = new Map<string, NodeProto>()
  for (const node of nodes) {
    for (const name of node.output) {
      if (name === '') continue
      if (producers.has(name) || known.has(name)) throw badGraph(`two things are called "${name.slice(0, 80)}"`)
      producers.set(name, node)
    }
  }
  const done = new Set<NodeProto>()
  const open = new Set<NodeProto>()
  const order: NodeProto[] = []
  for (const root of nodes) {
    // A stack of its own: a chain of a hundred thousand nodes must not end the call stack.
    const stack = [root]
    for (let node = stack.at(-1); node; node = stack.at(-1)) {
      if (done.has(node)) {
        stack.pop()
        continue
      }
      open.add(node)
      const waiting: NodeProto[] = []
      for (const name of readBy(node)) {
        if (name === '' || known.has(name)) continue
        const from = producers.get(name)
        if (!from) throw badGraph(`${nameOf(node)} reads "${name.slice(0, 80)}", which nothing makes`)
        if (done.has(from)) continue
        if (open.has(from)) throw badGraph(`${nameOf(node)} waits for itself through "${name.slice(0, 80)}"`)
        waiting.push(from)
      }
      if (waiting.length > 0) {
        stack.push(...waiting.reverse())
        continue
      }
      stack.pop()
      open.delete(node)
      done.add(node)
      order.push(node)
    }
  }
  return order
}

/** @throws JikoError `model/bad-graph` when a value is made twice, never, or by a cycle. */
export function createGraph(model: ModelProto): Graph {
  const proto = model.graph ?? create(GraphProtoSchema)
  let initializers = new Map(proto.initializer.map((tensor) => [tensor.name, tensor]))
  const decoded = new Map<string, Constant | undefined>()
  let nodes: readonly NodeProto[] = []
  let producers = new Map<string, NodeProto>()
  let consumers = new Map<string, NodeProto[]>()

  const known = (): Set<string> =>
    new Set([
      ...proto.input.map(({ name }) => name),
      ...initializers.keys(),
      ...proto.sparseInitializer.map((sparse) => sparse.values?.name ?? ''),
    ])

  function index(next: readonly NodeProto[]): void {
    const outside = known()
    nodes = sorted(next, outside)
    proto.node = [...nodes]
    producers = new Map(nodes.flatMap((node) => node.output.filter(Boolean).map((name) => [name, node] as const)))
    consumers = new Map()
    for (const node of nodes) {
      for (const name of new Set(readBy(node))) {
        if (name === '') continue
        const list = consumers.get(name)
        if (list) list.push(node)
        else consumers.set(name, [node])
      }
    }
    for (const { name } of proto.output)
      if (!producers.has(name) && !outside.has(name)) throw badGraph(`nothing makes its output "${name.slice(0, 80)}"`)
  }
  index(proto.node)

  function setConstants(values: Iterable<readonly [string, Constant]>): void {
    for (const [name, value] of values) {
      initializers.set(name, fromConstant(name, value))
      decoded.set(name, value)
    }
    proto.initializer = [...initializers.values()]
  }

  return {
    model,
    get nodes() {
      return nodes
    },
    get inputs() {
      return proto.input.filter(({ name }) => !initializers.has(name)).map(toValue)
    },
    get outputs() {
      return proto.output.map(toValue)
    },
    opset: (domain = '') =>
      Number(
        model.opsetImport.find((opset) => opset.domain === domain || (domain === '' && opset.domain === 'ai.onnx'))
          ?.version ?? 0,
      ),
    producer: (name) => producers.get(name),
    consumers: (name) => consumers.get(name) ?? [],
    isOutput: (name) => proto.output.some((output) => output.name === name),
    constant(name) {
      if (!decoded.has(name)) {
        const tensor = initializers.get(name)
        const made = tensor ? undefined : producers.get(name)
        if (!tensor && made?.opType !== 'Constant') return undefined
        decoded.set(name, tensor ? toConstant(tensor) : made && constantValue(made))
      }
      return decoded.get(name)
    },
    get constants() {
      return [...initializers.keys()]
    },
    freshName(wish) {
      const taken = (name: string): boolean =>
        producers.has(name) || initializers.has(name) || consumers.has(name) || proto.input.some((i) => i.name === name)
      let name = wish
      for (let i = 2; taken(name); i++) name = `${wish}_${i}`
      return name
    },
    setConstant: (name, value) => setConstants([[name, value]]),
    replaceUses(from, to, except = []) {
      for (const node of consumers.get(from) ?? []) {
        if (except.includes(node)) continue
        node.input = node.input.map((name) => (name === from ? to : name))
        for (const graph of subgraphs(node)) renameCaptured(graph, from, to)
      }
      index(nodes)
    },
    update({ remove = [], add = [], constants = [] }) {
      const gone = new Set(remove)
      const fresh = [...add]
      for (const node of [...gone, ...fresh]) for (const name of node.output) decoded.delete(name)
      setConstants(constants)
      index([...nodes.filter((node) => !gone.has(node)), ...fresh])
    },
    setOpset(version) {
      const others = model.opsetImport.filter(({ domain }) => domain !== '' && domain !== 'ai.onnx')
      model.opsetImport = [create(OperatorSetIdProtoSchema, { version: BigInt(version) }), ...others]
      if (model.irVersion < LEAST_IR_VERSION) model.irVersion = LEAST_IR_VERSION
      proto.input = proto.input.filter(({ name }) => !initializers.has(name))
      index(nodes)
    },
    dropUnusedConstants() {
      const outputs = new Set(proto.output.map(({ name }) => name))
      const unused = new Set([...initializers.keys()].filter((name) => !consumers.has(name) && !outputs.has(name)))
      initializers = new Map([...initializers].filter(([name]) => !unused.has(name)))
      proto.initializer = [...initializers.values()]
      // An old habit of exporters: initialisers listed as inputs too, which must not outlive them.
      proto.input = proto.input.filter(({ name }) => !unused.has(name))
    },
  }
}

function renameCaptured(graph: GraphProto, from: string, to: string): void {
  if (!captured(graph).includes(from)) return
  for (const node of graph.node) {
    node.input = node.input.map((name) => (name === from ? to : name))
    for (const inner of subgraphs(node)) renameCaptured(inner, from, to)
  }
  for (const output of graph.output) if (output.name === from) output.name = to
}

function cloneNode(node: NodeProto): NodeProto {
  if (subgraphs(node).length > 0) return clone(NodeProtoSchema, node)
  return copyMessage(NodeProtoSchema, node, {
    input: [...node.input],
    output: [...node.output],
    attribute: [...node.attribute],
  })
}

/** A graph to edit while the old one stays as it is. Weights are shared, nodes are not. */
export function cloneGraph({ model }: Graph): Graph {
  const proto = model.graph ?? create(GraphProtoSchema)
  return createGraph(
    copyMessage(ModelProtoSchema, model, {
      opsetImport: [...model.opsetImport],
      graph: copyMessage(GraphProtoSchema, proto, {
        node: proto.node.map(cloneNode),
        initializer: [...proto.initializer],
        input: [...proto.input],
        output: [...proto.output],
        valueInfo: [...proto.valueInfo],
      }),
    }),
  )
}

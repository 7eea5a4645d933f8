import type { Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import type { Pass } from './pass.ts'

/** Operators that only hand their first input on when nobody trains. */
const HANDS_ON = new Set(['Identity', 'Dropout'])

/** `Constant` nodes become initialisers, so that there is one kind of constant to look at. */
export const liftConstants: Pass = {
  name: 'lift constants',
  run(graph) {
    const lifted = graph.nodes.flatMap((node) => {
      const [name = ''] = node.output
      const value = node.opType === 'Constant' ? graph.constant(name) : undefined
      return value ? [{ node, constant: [name, value] as const }] : []
    })
    graph.update({ remove: lifted.map(({ node }) => node), constants: lifted.map(({ constant }) => constant) })
    return lifted.length
  },
}

/** Nodes that only hand on their input are left out; one that feeds an output stays, for the output's name. */
export const removeIdentities: Pass = {
  name: 'remove identities',
  run(graph) {
    const gone: NodeProto[] = []
    for (const node of graph.nodes) {
      const [from = ''] = node.input
      const [to = '', mask = ''] = node.output
      if (!HANDS_ON.has(node.opType) || graph.isOutput(to) || graph.consumers(mask).length > 0) continue
      graph.replaceUses(to, from)
      gone.push(node)
    }
    graph.update({ remove: gone })
    return gone.length
  },
}

/** Nodes whose outputs nothing reads, and initialisers likewise. */
export const removeDeadNodes: Pass = {
  name: 'remove dead nodes',
  run(graph) {
    const before = graph.constants.length
    const gone = deadNodes(graph)
    graph.update({ remove: gone })
    graph.dropUnusedConstants()
    return gone.length + before - graph.constants.length
  },
}

function deadNodes(graph: Graph): NodeProto[] {
  const dead = new Set<NodeProto>()
  for (const node of [...graph.nodes].reverse()) {
    const read = node.output.some(
      (name) => name !== '' && (graph.isOutput(name) || graph.consumers(name).some((reader) => !dead.has(reader))),
    )
    if (!read) dead.add(node)
  }
  return [...dead]
}

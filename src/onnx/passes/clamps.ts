import { makeNode } from '../attribute.ts'
import { scalar } from '../constant.ts'
import type { Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import { clampOf } from '../quantise/plan.ts'
import { onlyReader } from './batch-norm.ts'
import type { Pass } from './pass.ts'

/** From this version on the limits of a Clip are inputs. */
const LIMITS_ARE_INPUTS = 11

/** Relu and Clip one after the other become one; a Clip from 0 up is a Relu. */
export const fuseClamps: Pass = {
  name: 'one clamp instead of several',
  run(graph) {
    let count = 0
    for (let node = next(graph); node; node = next(graph)) {
      const first = graph.producer(node.input[0] ?? '') as NodeProto
      const [outer, inner] = [clampOf(graph, node), clampOf(graph, first)]
      if (!outer || !inner) break
      // The last one has the last word where the limits do not overlap.
      const low = Math.min(outer.high, Math.max(outer.low, inner.low))
      const high = Math.max(outer.low, Math.min(outer.high, inner.high))
      graph.update({ remove: [first, node], ...clamp(graph, first.input[0] ?? '', node.output[0] ?? '', low, high) })
      count++
    }
    for (const node of graph.nodes.filter(({ opType }) => opType === 'Clip')) {
      const limits = clampOf(graph, node)
      if (limits?.low !== 0 || limits.high !== Number.POSITIVE_INFINITY) continue
      graph.update({ remove: [node], add: [makeNode('Relu', node.input.slice(0, 1), node.output)] })
      count++
    }
    graph.dropUnusedConstants()
    return count
  },
}

/** A clamp that alone reads another one. */
const next = (graph: Graph): NodeProto | undefined =>
  graph.nodes.find((node) => {
    const first = clampOf(graph, node) && graph.producer(node.input[0] ?? '')
    return first && clampOf(graph, first) && onlyReader(graph, first.output[0] ?? '') === node
  })

function clamp(graph: Graph, from: string, to: string, low: number, high: number) {
  if (low === 0 && high === Number.POSITIVE_INFINITY) return { add: [makeNode('Relu', [from], [to])] }
  if (graph.opset() < LIMITS_ARE_INPUTS)
    return { add: [makeNode('Clip', [from], [to], { min: { float: low }, max: { float: high } })] }
  const limit = (value: number, end: number, name: string) =>
    value === end ? [] : [[graph.freshName(`${to}_${name}`), scalar(value)] as const]
  const [least, most] = [limit(low, Number.NEGATIVE_INFINITY, 'min'), limit(high, Number.POSITIVE_INFINITY, 'max')]
  const inputs = [from, least[0]?.[0] ?? '', ...most.map(([name]) => name)]
  return { add: [makeNode('Clip', inputs, [to])], constants: [...least, ...most] }
}

import { clone, create } from '@bufbuild/protobuf'
import { JikoError } from '../protocol/error.ts'
import { cloneGraph, type Graph, type GraphValue } from './graph.ts'
import { ValueInfoProtoSchema } from './onnx_pb.ts'
import { removeDeadNodes } from './passes/clean.ts'
import type { Dims } from './shape.ts'

/** The same model with other outputs; what nothing needs any more is left out. */
export async function withOnlyOutputs(
  original: Graph,
  names: readonly string[],
  shapes: ReadonlyMap<string, Dims>,
): Promise<Graph> {
  const graph = cloneGraph(original)
  const proto = graph.model.graph
  if (!proto) return graph
  proto.output = names.map(
    (name) =>
      proto.output.find((output) => output.name === name) ??
      create(ValueInfoProtoSchema, {
        name,
        type: {
          value: {
            case: 'tensorType',
            value: {
              elemType: 1,
              shape: {
                dim: (shapes.get(name) ?? []).map((n) => ({ value: { case: 'dimValue', value: BigInt(n) } as const })),
              },
            },
          },
        },
      }),
  )
  await removeDeadNodes.run(graph, { dims: {}, open: () => Promise.reject(new Error('not needed')) })
  return graph
}

/**
 * What a final Softmax is made from, so that the pack's temperature can be applied to what it is meant for and no
 * engine needs the operator; undefined when the output does not come from one.
 */
export function logitsOf(graph: Graph, output: string): string | undefined {
  let node = graph.producer(output)
  while (node?.opType === 'Identity') node = graph.producer(node.input[0] ?? '')
  return node?.opType === 'Softmax' ? node.input[0] : undefined
}

/** The one called `name`, or the only one there is. @throws JikoError `model/which` naming the choices. */
export function pickValue(
  values: readonly GraphValue[],
  name: string | undefined,
  what: 'input' | 'output',
): GraphValue {
  const found = name === undefined ? (values.length === 1 ? values[0] : undefined) : values.find((v) => v.name === name)
  if (found) return found
  const names = values.map((value) => `"${value.name}"`).join(', ')
  throw new JikoError(
    'model/which',
    name === undefined
      ? `The model has ${values.length} ${what}s (${names}); say which one to use.`
      : `The model has no ${what} "${name}"; it has ${names}.`,
  )
}

/** The same model with the dims that an input is run with written into it, so that every engine can plan its memory. */
export function withFixedInput(original: Graph, name: string, dims: Dims): Graph {
  const graph = cloneGraph(original)
  const proto = graph.model.graph
  if (!proto) return graph
  proto.input = proto.input.map((input) => {
    if (input.name !== name) return input
    const fixed = clone(ValueInfoProtoSchema, input)
    const tensor = fixed.type?.value.case === 'tensorType' ? fixed.type.value.value : undefined
    tensor?.shape?.dim.forEach((dim, i) => {
      dim.value = { case: 'dimValue', value: BigInt(dims[i] ?? 1) }
    })
    return fixed
  })
  return graph
}

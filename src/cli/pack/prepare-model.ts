import { subgraphs } from '../../onnx/attribute.ts'
import type { OpenModel } from '../../onnx/engine.ts'
import { createGraph, type Graph } from '../../onnx/graph.ts'
import { logitsOf, pickValue, withFixedInput, withOnlyOutputs } from '../../onnx/outputs.ts'
import { readModel } from '../../onnx/read.ts'
import { inferShapes } from '../../onnx/shape.ts'
import { type PassReport, simplify } from '../../onnx/simplify.ts'
import { elementCount } from '../../protocol/dims.ts'
import { JikoError } from '../../protocol/error.ts'
import { hasOpenSize, type Input, inputProblem } from '../../protocol/input.ts'
import type { Feeding } from '../../protocol/manifest.ts'
import { keptTensors, type Output, outputTensors } from '../../protocol/output.ts'
import type { PackSource } from '../../protocol/pack-source.ts'
import type { Tensors } from '../../protocol/tensor.ts'
import { constantTensors } from '../../runtime/feeding.ts'
import { goldenInputs } from '../../runtime/golden.ts'
import type { SourceFolder } from './source.ts'

/** The float model as the pack will use it: simplified, with the outputs that are needed, and how to feed and read it. */
export interface PreparedModel extends Feeding {
  readonly graph: Graph
  readonly output: Output
  readonly reports: readonly PassReport[]
}

/** @throws JikoError `model/...` when the model cannot be read or does not fit what pack.json says of it. */
export async function prepareModel(
  { model, external, source }: Pick<SourceFolder, 'model' | 'external' | 'source'>,
  open: OpenModel,
  signal?: AbortSignal,
): Promise<PreparedModel> {
  const original = createGraph(readModel(model, external))
  const feeding = feedingOf(source, original)
  const fed = goldenInputs(1, feeding)
  checkInputs(original, fed)
  // A branch that is not taken may be meant for other dims, and the engine checks it all the same.
  const branches = original.nodes.some((node) => subgraphs(node).length > 0)
  const fixed = Object.entries(fed).reduce(
    (graph, [name, { dims }]) => (branches || isOpen(name, feeding) ? graph : withFixedInput(graph, name, dims)),
    original,
  )
  const wanted = outputOf(source, fixed)
  const dims = Object.fromEntries(Object.entries(fed).map(([name, tensor]) => [name, tensor.dims]))
  const { graph, reports } = await simplify(fixed, {
    open,
    dims,
    constants: constantTensors(feeding.constants),
    samples: [fed],
    ...(signal && { signal }),
  })
  const output = withLogits(graph, wanted)
  const shapes = inferShapes(graph)
  checkLabels(shapes, output, source)
  checkKept(shapes, output, graph)
  const kept = [...keptTensors(output), ...Object.values(source.state ?? {}).map((one) => one.output)]
  return { ...feeding, graph: await withOnlyOutputs(graph, kept, shapes), output, reports }
}

function feedingOf({ image, input, constants, state }: PackSource, graph: Graph): Feeding {
  const more = { ...(constants && { constants }), ...(state && { state }) }
  if (input) return { input: checked(input), ...more }
  if (!image) throw new JikoError('pack/bad-source', 'pack.json says nothing of the input.')
  const others = new Set([...Object.keys(constants ?? {}), ...Object.keys(state ?? {})])
  const inputs = graph.inputs.filter(({ name }) => !others.has(name))
  const { tensor, ...rest } = image
  return { input: checked({ kind: 'image', tensor: pickValue(inputs, tensor, 'input').name, ...rest }), ...more }
}

function checked(input: Input): Input {
  const problem = inputProblem(input)
  if (problem === undefined) return input
  throw new JikoError('pack/bad-source', `pack.json contradicts itself: input: ${problem}.`)
}

/** Whether a tensor's dims may be others in the next call. */
const isOpen = (name: string, { input, state }: Feeding): boolean =>
  (input.kind === 'image' && hasOpenSize(input)) ||
  (input.kind === 'text' && input.features.kind === 'tokens' && input.features.pad === undefined) ||
  state?.[name]?.dims.includes(0) === true ||
  // What is attended to grows with the state.
  Object.values(state ?? {}).some(({ dims }) => dims.includes(0))

/** @throws JikoError `model/wrong-input` */
function checkInputs(graph: Graph, fed: Tensors): void {
  for (const { name, type, dims } of graph.inputs) {
    const tensor = fed[name]
    const wanted = `${type ?? '?'} [${dims?.map((dim) => dim ?? '?') ?? '?'}]`
    if (!tensor) {
      const said = Object.keys(fed).map((one) => `"${one}"`)
      throw new JikoError(
        'model/wrong-input',
        `The model has an input "${name}" (${wanted}) that pack.json says nothing of; it says ${said.join(', ')}.`,
      )
    }
    const fits =
      !dims ||
      (dims.length === tensor.dims.length &&
        dims.every((dim, i) => typeof dim !== 'number' || dim <= 0 || dim === tensor.dims[i]))
    if (!fits || type !== tensor.type) {
      throw new JikoError(
        'model/wrong-input',
        `The model's input "${name}" is ${wanted}, but pack.json says ${tensor.type} [${tensor.dims}]; correct its size, layout or type there.`,
      )
    }
  }
  for (const name of Object.keys(fed)) pickValue(graph.inputs, name, 'input')
}

function outputOf({ output, state }: PackSource, graph: Graph): Output {
  if (typeof output === 'object') {
    for (const name of outputTensors(output)) pickValue(graph.outputs, name, 'output')
    return output
  }
  const carried = new Set(Object.values(state ?? {}).map((one) => one.output))
  const outputs = graph.outputs.filter(({ name }) => !carried.has(name))
  // Without a Softmax at its end the model may still give probabilities; a pack that needs to can say so.
  return { kind: 'classes', tensor: pickValue(outputs, output, 'output').name, activation: 'logits' }
}

function withLogits(graph: Graph, output: Output): Output {
  if (output.kind !== 'classes' || output.activation === 'sigmoid') return output
  const logits = logitsOf(graph, output.tensor)
  return logits === undefined ? output : { ...output, tensor: logits, activation: 'logits' }
}

/** What is looked at besides the answer may be any value of the graph. @throws JikoError `model/which` */
function checkKept(shapes: ReturnType<typeof inferShapes>, output: Output, graph: Graph): void {
  for (const name of keptTensors(output)) {
    if (shapes.has(name) || graph.outputs.some((one) => one.name === name) || graph.producer(name)) continue
    throw new JikoError('model/which', `The model makes no "${name}", which the output in pack.json names.`)
  }
}

/** @throws JikoError `model/wrong-labels` */
function checkLabels(shapes: ReturnType<typeof inferShapes>, output: Output, { labels }: PackSource): void {
  if (output.kind !== 'classes') return
  const shape = shapes.get(output.tensor)
  if (!shape || elementCount(shape) === labels.length) return
  throw new JikoError(
    'model/wrong-labels',
    `The model answers ${elementCount(shape)} numbers ([${shape}]), but there are ${labels.length} labels; there must be one for each.`,
  )
}

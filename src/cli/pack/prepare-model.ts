import type { OpenModel } from '../../onnx/engine.ts'
import { createGraph, type Graph } from '../../onnx/graph.ts'
import { logitsOf, pickValue, withFixedInput, withOnlyOutputs } from '../../onnx/outputs.ts'
import { readModel } from '../../onnx/read.ts'
import { inferShapes } from '../../onnx/shape.ts'
import { type PassReport, simplify } from '../../onnx/simplify.ts'
import { JikoError } from '../../protocol/error.ts'
import type { ImageInput, Manifest } from '../../protocol/manifest.ts'
import { elementCount } from '../../protocol/tensor.ts'
import type { SourceFolder } from './source.ts'

/** The float model as the pack will use it: simplified, with one input and one output, and how to feed and read them. */
export interface PreparedModel {
  readonly graph: Graph
  readonly input: ImageInput
  readonly output: Manifest['output']
  readonly reports: readonly PassReport[]
}

const inputDims = ({ width, height, layout }: Pick<ImageInput, 'width' | 'height' | 'layout'>): number[] =>
  layout === 'nchw' ? [1, 3, height, width] : [1, height, width, 3]

/** @throws JikoError `model/...` when the model cannot be read or does not fit what pack.json says of it. */
export async function prepareModel(
  { model, external, source }: Pick<SourceFolder, 'model' | 'external' | 'source'>,
  open: OpenModel,
  signal?: AbortSignal,
): Promise<PreparedModel> {
  const original = createGraph(readModel(model, external))
  const { tensor, ...image } = source.image
  const fed = pickValue(original.inputs, tensor, 'input')
  const dims = inputDims(image)
  const fits =
    fed.dims?.length === 4 && fed.dims.every((dim, i) => typeof dim !== 'number' || dim <= 0 || dim === dims[i])
  if (!fits || fed.type !== 'float32') {
    throw new JikoError(
      'model/wrong-input',
      `The model's input "${fed.name}" is ${fed.type} [${fed.dims?.map((dim) => dim ?? '?')}], but pack.json says float32 [${dims}]; correct image.width, height or layout.`,
    )
  }
  const fixed = withFixedInput(original, fed.name, dims)
  const answer = pickValue(fixed.outputs, source.output, 'output').name
  const { graph, reports } = await simplify(fixed, { open, ...(signal && { signal }) })
  const logits = logitsOf(graph, answer)
  const shapes = inferShapes(graph)
  const output = logits ?? answer
  const count = elementCount(shapes.get(output) ?? [])
  if (shapes.has(output) && count !== source.labels.length) {
    throw new JikoError(
      'model/wrong-labels',
      `The model answers ${count} numbers ([${shapes.get(output)}]), but there are ${source.labels.length} labels; there must be one for each.`,
    )
  }
  return {
    graph: await withOnlyOutputs(graph, [output], shapes),
    input: { kind: 'image', tensor: fed.name, ...image },
    // Without a Softmax at its end the model may still give probabilities; a pack that needs to say so can be told later.
    output: { tensor: output, activation: 'logits' },
    reports,
  }
}

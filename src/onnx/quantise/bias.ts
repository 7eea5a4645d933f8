import { intAttribute } from '../attribute.ts'
import type { Graph } from '../graph.ts'
import type { Statistics } from './calibrate.ts'
import { choosePeaks } from './peaks.ts'
import { chooseNodes, weightsOf } from './plan.ts'
import { quantiseWeights } from './weights.ts'

/**
 * What to add to each output channel's bias so that rounding the weights does not shift its mean: the rounding errors
 * of the channel's weights times the mean of the inputs they meet (Nagel et al., 2019, section 4.2). Padding is ignored.
 */
export function biasCorrections(graph: Graph, { tensors }: Statistics): Map<string, Float64Array> {
  const corrections = new Map<string, Float64Array>()
  for (const [node, role] of chooseNodes(graph, new Set())) {
    const parts = role === 'weighted' && node.opType !== 'ConvTranspose' ? weightsOf(graph, node) : undefined
    const means = tensors.get(node.input[0] ?? '')?.means
    const [output = ''] = node.output
    if (!parts || !means) continue
    const { weight, axis, bias } = parts
    const q = quantiseWeights(weight, axis, 1, undefined, choosePeaks(weight, axis))
    const [rows = 1, columns = 1] = weight.dims
    const inner = weight.dims.slice(2).reduce((product, n) => product * n, 1)
    const outputs = weight.dims[axis] ?? 1
    const group = node.opType === 'Conv' ? intAttribute(node, 'group', 1) : 1
    const shifts = new Float64Array(outputs)
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const channel = axis === 0 ? row : column
        // Weights of a group see only that group's inputs.
        const from = axis === 0 ? Math.floor(row / (rows / group)) * columns + column : row
        for (let k = 0; k < inner; k++) {
          const i = (row * columns + column) * inner + k
          const error = (weight.data[i] ?? 0) - (q.weight.data[i] ?? 0) * (q.scale.data[channel] ?? 0)
          shifts[channel] = (shifts[channel] ?? 0) + error * (means[from] ?? 0)
        }
      }
    }
    // A net without biases stays without: one more tensor for nothing.
    if (bias || shifts.some((shift) => Math.abs(shift) > 1e-4)) corrections.set(output, shifts)
  }
  return corrections
}

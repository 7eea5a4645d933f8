import type { JudgedSamples } from '../../onnx/quantise/measure.ts'
import type { Label } from '../../protocol/manifest.ts'
import type { Tensors } from '../../protocol/tensor.ts'
import { constantTensors, initialState } from '../../runtime/feeding.ts'
import { goldenInputs } from '../../runtime/golden.ts'
import { prepareFor } from '../../tasks/table.ts'
import type { Sample } from '../data-set.ts'
import { readBytes } from '../files.ts'
import type { PreparedModel } from './prepare-model.ts'

/** Samples as the model is fed them; where all have a label that the pack knows, it is known what is right. */
export async function feedSamples(
  prepared: PreparedModel,
  samples: readonly Sample[],
  labels: readonly Label[],
): Promise<JudgedSamples> {
  const prepare = await prepareFor(prepared.input, readBytes)
  const fixed = { ...constantTensors(prepared.constants), ...initialState(prepared.state) }
  const truths = samples.map(({ label }) => labels.findIndex(({ id }) => id === label))
  const { output } = prepared
  return {
    length: samples.length,
    async at(index) {
      const input = await samples[index]?.read()
      const [first] = input ? prepare(input) : []
      return { ...fixed, ...first }
    },
    ...(output.kind === 'classes' &&
      truths.every((truth) => truth >= 0) && {
        right: (index: number, outputs: Tensors) => largest(outputs[output.tensor]?.data ?? []) === truths[index],
      }),
  }
}

/** Where nothing better is at hand: inputs made from seeds. */
export function seededSamples(prepared: PreparedModel, length: number): JudgedSamples {
  return { length, at: async (index) => goldenInputs(index + 1, prepared) }
}

function largest(values: ArrayLike<number | bigint>): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i
  return best
}

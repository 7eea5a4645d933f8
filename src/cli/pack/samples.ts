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
    at: keeping(async (index) => {
      const input = await samples[index]?.read()
      return { ...fixed, ...(input && middle(prepare(input))) }
    }),
    ...(output.kind === 'classes' &&
      truths.every((truth) => truth >= 0) && {
        right: (index: number, outputs: Tensors) => largest(outputs[output.tensor]?.data ?? []) === truths[index],
      }),
  }
}

/** Calls that are looked through: a sound heard window by window begins with silence. */
const MOST_CALLS = 64

/** What the model is fed half way through. */
function middle(calls: Iterable<Tensors>): Tensors {
  const list: Tensors[] = []
  for (const call of calls) if (list.push(call) >= MOST_CALLS) break
  return list[list.length >> 1] ?? {}
}

/** Samples are asked for a dozen times over, and decoding a photo takes longer than running a small net on it. */
const MOST_KEPT_BYTES = 256e6

function keeping(make: (index: number) => Promise<Tensors>): (index: number) => Promise<Tensors> {
  const kept = new Map<number, Tensors>()
  let bytes = 0
  return async (index) => {
    const known = kept.get(index)
    if (known) return known
    const made = await make(index)
    bytes += Object.values(made).reduce((sum, { data }) => sum + data.byteLength, 0)
    if (bytes <= MOST_KEPT_BYTES) kept.set(index, made)
    return made
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

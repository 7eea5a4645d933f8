import type { Golden, GoldenSample } from '../../protocol/golden.ts'
import { sampledPlaces } from '../../protocol/golden-sample.ts'
import type { Tensor, Tensors } from '../../protocol/tensor.ts'

/** Where all outputs are at most so long they are golden as they are. */
const MOST_WHOLE = 768
/** Otherwise each gives at most so many values: every phone fetches them before anything else. */
const SAMPLE = 256

/** A backend may round otherwise than the one that made the golden answers: this part of their spread. */
const TOLERANCE = 0.02
/** Values of a sample are written so many times finer than they are compared. */
const FINER = 20

function toleranceOf(values: readonly number[]): number {
  const most = values.reduce((max, x) => Math.max(max, x), -Infinity)
  const least = values.reduce((min, x) => Math.min(min, x), Infinity)
  return Math.max(1e-4, Number(((most - least) * TOLERANCE).toPrecision(3)))
}

/** Each output has a tolerance of its own: what a detector is sure of is a hundredth of where it finds it. */
function sample({ dims, data }: Tensor, seed: number): GoldenSample {
  const all = Array.from<number | bigint, number>(data, Number)
  const values = all.length <= SAMPLE ? all : sampledPlaces(dims, SAMPLE, seed).map((at) => all[at] as number)
  const tolerance = toleranceOf(values)
  const digits = Math.max(0, Math.ceil(Math.log10(FINER / tolerance)))
  return { dims: [...dims], values: values.map((value) => Number(value.toFixed(digits))), tolerance }
}

/** What every right backend answers to the golden input of a seed, as short as may be. */
export function goldenFrom(seed: number, outputs: Tensors): Golden {
  const entries = Object.entries(outputs)
  if (entries.every(([, { data }]) => data.length <= MOST_WHOLE)) {
    const output = Object.fromEntries(
      entries.map(([name, { data }]) => [name, Array.from<number | bigint, number>(data, Number)]),
    )
    return { seed, output, tolerance: toleranceOf(Object.values(output).flat()) }
  }
  const output = Object.fromEntries(entries.map(([name, tensor]) => [name, sample(tensor, seed)]))
  return { seed, output, tolerance: 0 }
}

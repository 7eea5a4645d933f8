import { keepWithinBudget } from '../../onnx/quantise/budget.ts'
import { METHODS, type Method } from '../../onnx/quantise/calibrate.ts'
import { type Chosen, chooseWithEqualising } from '../../onnx/quantise/choose.ts'
import { createGlance, type JudgedSamples } from '../../onnx/quantise/measure.ts'
import { narrow } from '../../onnx/quantise/narrow.ts'
import { CALIBRATION_FORMAT, type Calibration } from '../../protocol/calibration.ts'
import type { Engines } from '../engines.ts'
import type { PreparedModel } from './prepare-model.ts'

export interface CalibrateOptions {
  engines: Engines
  /** `auto` tries all and takes the one whose answers lie nearest to the float ones. */
  method?: Method | 'auto'
  /** What may be lost, in hundredths (see `Loss`): nodes stay float, or at 8 bits, until it is no more. */
  budget?: number
  /** Bits of weights: 8, or fewer in as many nodes as the budget allows. */
  bits?: number
  signal?: AbortSignal
  onProgress?: (done: number, total: number) => void
}

/** The float model that was measured, and a name for the samples. */
export interface Measured {
  readonly model: string
  readonly data: string
}

/** Numbers as written: enough digits for float32 ranges, no more. */
const short = (value: number): number => Number(value.toPrecision(6))
const rough = (value: number): number => Number(value.toPrecision(3))

/** How the model is best quantised in 8 bits: whatever else is done, and with however many bits, it begins with this. */
export function choose(
  { graph }: PreparedModel,
  samples: JudgedSamples,
  { engines, method = 'auto', signal, onProgress }: CalibrateOptions,
): Promise<Chosen> {
  const methods = method === 'auto' ? METHODS : [method]
  const operation = { open: engines.open, ...(signal && { signal }), ...(onProgress && { onProgress }) }
  return chooseWithEqualising(graph, samples, { ...operation, methods })
}

/**
 * Measures on samples what quantising needs to know.
 * @param chosen when that was done before.
 * @throws JikoError `model/no-samples`, `model/not-finite`, `input/...` for a sample that cannot be read
 */
export async function calibrate(
  prepared: PreparedModel,
  { model, data }: Measured,
  samples: JudgedSamples,
  options: CalibrateOptions,
  chosen?: Chosen,
): Promise<Calibration> {
  const { engines, budget, bits = 8, signal, onProgress } = options
  const operation = { open: engines.open, ...(signal && { signal }), ...(onProgress && { onProgress }) }
  const within = budget === undefined ? {} : { budget }
  const start = chosen ?? (await choose(prepared, samples, options))
  const { graph, equalised, best, measure } = start
  const narrowed = bits < 8 ? await narrow(start, samples, bits, { ...operation, ...within }) : undefined
  const kept =
    budget === undefined || narrowed
      ? undefined
      : await keepWithinBudget(graph, best, measure, {
          budget,
          glance: () => createGlance(graph, samples, operation),
          ...operation,
        })
  const float = [...(kept?.keepFloat ?? [])]
  const { lost } = narrowed ?? kept ?? best
  const corrections = [...(narrowed?.corrections ?? best.corrections ?? [])].filter(([, shifts]) =>
    shifts.some((shift) => shift !== 0),
  )
  return {
    format: CALIBRATION_FORMAT,
    model,
    method: best.method,
    samples: samples.length,
    data,
    ...(equalised && { equalised }),
    lost: { value: rough(lost), of: samples.right ? 'accuracy' : 'cosine similarity' },
    ranges: Object.fromEntries([...best.ranges].map(([name, [min, max]]) => [name, [short(min), short(max)]])),
    ...(corrections.length > 0 && {
      corrections: Object.fromEntries(corrections.map(([name, shifts]) => [name, Array.from(shifts, rough)])),
    }),
    ...(float.length > 0 && { float }),
    ...(narrowed && narrowed.bits.size > 0 && { bits: Object.fromEntries(narrowed.bits) }),
  }
}

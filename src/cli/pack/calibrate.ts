import { basename } from 'node:path'
import type { Bytes } from '../../lib/bytes.ts'
import { METHODS, type Method } from '../../onnx/quantise/calibrate.ts'
import { chooseWithEqualising, keepWithinBudget } from '../../onnx/quantise/choose.ts'
import { CALIBRATION_FORMAT, type Calibration } from '../../protocol/calibration.ts'
import type { Pixels } from '../../protocol/task.ts'
import type { Tensors } from '../../protocol/tensor.ts'
import { constantTensors, initialState } from '../../runtime/feeding.ts'
import { prepareFor } from '../../tasks/table.ts'
import { listPictures, spread } from '../data-set.ts'
import type { Engines } from '../engines.ts'
import { readBytes } from '../files.ts'
import type { PreparedModel } from './prepare-model.ts'

export interface CalibrateOptions {
  engines: Engines
  decode: (bytes: Bytes) => Promise<Pixels>
  /** `auto` tries all and takes the one whose answers lie nearest to the float ones. */
  method?: Method | 'auto'
  /** At most this many pictures, spread evenly over the folder. */
  samples?: number
  /** Keep nodes float until the squared error of the answers, relative to them, is at most this. */
  budget?: number
  signal?: AbortSignal
  onProgress?: (done: number, total: number) => void
}

const SAMPLES = 128

/** Numbers as written: enough digits for float32 ranges, no more. */
const short = (value: number): number => Number(value.toPrecision(6))

/**
 * Measures on pictures what quantising needs to know.
 * @throws JikoError `cli/no-pictures`, `input/...` for a picture that cannot be read, `model/not-finite`
 */
export async function calibrate(
  prepared: PreparedModel,
  modelDigest: string,
  folder: string,
  { engines, decode, method = 'auto', samples: most = SAMPLES, budget, signal, onProgress }: CalibrateOptions,
): Promise<Calibration> {
  const paths = spread(await listPictures(folder), most)
  const prepare = await prepareFor(prepared.input, readBytes)
  const at = async (index: number): Promise<Tensors> => {
    const [first] = prepare({ kind: 'image', pixels: await decode(await readBytes(paths[index] ?? '')) })
    return { ...constantTensors(prepared.constants), ...initialState(prepared.state), ...first }
  }
  const samples = { length: paths.length, at }
  const operation = { open: engines.open, ...(signal && { signal }), ...(onProgress && { onProgress }) }
  const methods = method === 'auto' ? METHODS : [method]
  const { graph, equalised, best, measure } = await chooseWithEqualising(prepared.graph, samples, {
    ...operation,
    methods,
  })
  const float =
    budget === undefined ? [] : [...(await keepWithinBudget(graph, best, measure, { budget, ...operation })).keepFloat]
  const corrections = [...(best.corrections ?? [])].filter(([, shifts]) => shifts.some((shift) => shift !== 0))
  return {
    format: CALIBRATION_FORMAT,
    model: modelDigest,
    method: best.method,
    samples: paths.length,
    data: basename(folder),
    ...(equalised && { equalised }),
    ranges: Object.fromEntries([...best.ranges].map(([name, [min, max]]) => [name, [short(min), short(max)]])),
    ...(corrections.length > 0 && {
      corrections: Object.fromEntries(
        corrections.map(([name, shifts]) => [name, Array.from(shifts, (shift) => Number(shift.toPrecision(3)))]),
      ),
    }),
    ...(float.length > 0 && { float }),
  }
}

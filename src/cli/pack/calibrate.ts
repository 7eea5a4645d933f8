import { basename } from 'node:path'
import type { Bytes } from '../../lib/bytes.ts'
import { tensorsToCalibrate } from '../../onnx/quantise/apply.ts'
import { biasCorrections } from '../../onnx/quantise/bias.ts'
import { collectStatistics, type Method, rangesFrom } from '../../onnx/quantise/calibrate.ts'
import { CALIBRATION_FORMAT, type Calibration } from '../../protocol/calibration.ts'
import type { Pixels } from '../../protocol/task.ts'
import type { Tensors } from '../../protocol/tensor.ts'
import { imageTensor } from '../../tasks/image-tensor.ts'
import { listPictures, spread } from '../data-set.ts'
import type { Engines } from '../engines.ts'
import { readBytes } from '../files.ts'
import type { PreparedModel } from './prepare-model.ts'

export interface CalibrateOptions {
  engines: Engines
  decode: (bytes: Bytes) => Promise<Pixels>
  method?: Method
  /** At most this many pictures, spread evenly over the folder. */
  samples?: number
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
  { engines, decode, method = 'mse', samples = SAMPLES, signal, onProgress }: CalibrateOptions,
): Promise<Calibration> {
  const paths = spread(await listPictures(folder), samples)
  const at = async (index: number): Promise<Tensors> => ({
    [prepared.input.tensor]: imageTensor(await decode(await readBytes(paths[index] ?? '')), prepared.input),
  })
  const names = tensorsToCalibrate(prepared.graph)
  const statistics = await collectStatistics(
    prepared.graph,
    names,
    { length: paths.length, at },
    { open: engines.open, ...(signal && { signal }), ...(onProgress && { onProgress }) },
  )
  const ranges = rangesFrom(statistics, method)
  return {
    format: CALIBRATION_FORMAT,
    model: modelDigest,
    method,
    samples: paths.length,
    data: basename(folder),
    ranges: Object.fromEntries([...ranges].map(([name, [min, max]]) => [name, [short(min), short(max)]])),
    corrections: Object.fromEntries(
      [...biasCorrections(prepared.graph, statistics)].map(([name, shifts]) => [
        name,
        Array.from(shifts, (shift) => Number(shift.toPrecision(3))),
      ]),
    ),
  }
}

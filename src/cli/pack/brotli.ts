import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import { readModel } from '../../onnx/read.ts'
import { writeModel } from '../../onnx/write.ts'
import { kilobytes, percent } from '../text.ts'
import type { SourceFolder } from './source.ts'

const compress = promisify(brotliCompress)

/** Bytes of the model as one plain ONNX file, at the hardest that a web server could compress it (Brotli 11). */
export async function brotliLength({ model, external }: Pick<SourceFolder, 'model' | 'external'>): Promise<number> {
  const read = readModel(model, external)
  // Written anew only where weights lie in other files, which a server would have to send too.
  const whole = outside(model) ? writeModel(read) : model
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: whole.length }
  return (await compress(whole, { params })).length
}

/** Whether any tensor's data lies elsewhere. */
const outside = (model: SourceFolder['model']): boolean => {
  try {
    readModel(model)
    return false
  } catch {
    return true
  }
}

/** `phone`: what a phone downloads. */
export const comparison = (phone: number, brotli: number): string =>
  `the plain ONNX file is ${kilobytes(brotli)} in Brotli 11; a phone fetches ${percent(phone / brotli)} of that`

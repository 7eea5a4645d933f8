import type { Bytes } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import type { BytesInput } from '../protocol/input.ts'
import { type Tensor, tensorOf } from '../protocol/tensor.ts'

/** Python's `bytes.strip`: tab, line feed, vertical tab, form feed, carriage return, space. */
const isSpace = (byte: number | undefined): boolean => byte === 0x20 || (byte !== undefined && byte >= 9 && byte <= 13)

/**
 * The first, middle and last bytes of a file, as far as there are any.
 * @throws JikoError `input/empty`
 */
export function bytesTensor(file: Bytes, { type, begin, middle, end, strip = 0, pad }: BytesInput): Tensor {
  if (file.length === 0) throw new JikoError('input/empty', 'the file is empty')
  let first = 0
  while (first < Math.min(strip, file.length) && isSpace(file[first])) first += 1
  // Only the block at the end is looked at, also by what follows it in the tensor.
  const block = file.subarray(Math.max(0, file.length - (strip || file.length)))
  let last = block.length
  while (strip > 0 && last > 0 && isSpace(block[last - 1])) last -= 1
  const head = file.subarray(first, Math.min(first + begin, strip ? Math.min(strip, file.length) : file.length))
  const tail = block.subarray(Math.max(0, last - end), last)
  const half = Math.max(0, Math.floor((file.length - middle) / 2))
  const centre = file.subarray(half, half + middle)
  const before = Math.floor((middle - centre.length) / 2)
  return tensorOf(type, [1, begin + middle + end], (i) => {
    if (i < begin) return head[i] ?? pad
    if (i < begin + middle) return centre[i - begin - before] ?? pad
    return tail[i - begin - middle - (end - tail.length)] ?? pad
  })
}

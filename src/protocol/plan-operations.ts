/**
 * What a plan can ask of the nano kernels, and the rules that keep each operation inside its memory. Addresses and sizes
 * are in bytes: `src`, `dst` and the like lie in the arena, `weights` and `table` in the weights. Int8 images are NHWC
 * with channels padded to a multiple of 8; reals are f32 in the graph's own order, worked on four at a time, so that up to
 * three behind the last one are read and written too.
 */

/** Told what an operation touches and what must hold; throws when that is not so. */
export interface Claims {
  read(address: number, bytes: number): void
  write(address: number, bytes: number): void
  weights(address: number, bytes: number): void
  /** A value that may also be a constant among the weights. */
  readAny(address: number, bytes: number): void
  scratch(address: number, bytes: number): void
  require(truth: boolean, rule: string): void
}

export interface Operation {
  /** Its number in a plan; never given to another one. */
  readonly code: number
  /** How many arguments its kernel takes, see `plan-arguments.ts` for their names; the last `floats` of them are f32, the others i32. */
  readonly count: number
  readonly floats: number
  /** Returns its steps of the inner loops, about one multiply-add each: what bounds the time. */
  check(claims: Claims, ...args: number[]): number
}

const operation = (code: number, count: number, floats: number, check: Operation['check']): Operation => ({
  code,
  count,
  floats,
  check,
})

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple

/** Bytes of packed weights for the products kernels: see `kernels/products.ts`. */
export const productWeightBytes = (depth: number, columns: number): number => (columns / 8) * (64 + 8 * depth)
export const multiplyScratchBytes = (depth: number): number => 16 + 16 * depth
export const convolveScratchBytes = (depth: number): number => 24 + 20 * depth
export const denseScratchBytes = (rows: number, depth: number): number => 2 * rows * depth + 16
/** Weights of 8 channels of `depthwise` and `depthwise3`. */
export const depthwiseWeightBytes = (taps: number, channels: number): number => (channels / 8) * (64 + 16 * taps)
export const DEPTHWISE3_TAPS = 10
/** Bytes of `count` reals, as far as kernels may touch them. */
export const realBytes = (count: number): number => roundUp(4 * count, 16)

const positive = (claims: Claims, ...values: number[]): void =>
  claims.require(
    values.every((value) => value >= 1),
    'sizes and steps are at least 1',
  )
const natural = (claims: Claims, ...values: number[]): void =>
  claims.require(
    values.every((value) => value >= 0),
    'steps and padding are not negative',
  )
const eights = (claims: Claims, ...values: number[]): void =>
  claims.require(
    values.every((value) => value >= 8 && value % 8 === 0),
    'channels are multiples of 8',
  )
const int8 = (claims: Claims, ...values: number[]): void =>
  claims.require(
    values.every((value) => value >= -128 && value <= 127),
    'zero points and bounds are int8',
  )
const scales = (claims: Claims, ...values: number[]): void =>
  claims.require(
    values.every((value) => Number.isFinite(value) && value !== 0),
    'scales are finite and not 0',
  )

/** What `quantise` and `dequantise` have in common; returns the bytes of the pixels. */
function pixelSpan(claims: Claims, channels: number, pixels: number, pixelBytes: number): number {
  positive(claims, channels, pixels)
  claims.require(pixelBytes >= channels, 'a pixel holds its channels')
  return pixelBytes * (pixels - 1) + channels
}

/** Bytes from the first window of an image to the end of the last one. */
const windowSpan = (
  outHeight: number,
  outWidth: number,
  stepY: number,
  stepX: number,
  windowRows: number,
  rowStep: number,
  windowColumns: number,
  columnStep: number,
): number =>
  (outHeight - 1) * stepY + (outWidth - 1) * stepX + (windowRows - 1) * rowStep + (windowColumns - 1) * columnStep

const elementwise: Operation['check'] = (
  claims,
  a,
  b,
  dst,
  count,
  period,
  zeroA,
  zeroB,
  offset,
  low,
  high,
  scaleA,
  scaleB,
  scale,
  zero,
) => {
  eights(claims, count, period)
  int8(claims, zeroA, zeroB, low, high)
  scales(claims, scaleA, scaleB, scale)
  claims.require(Number.isFinite(zero) && Math.abs(offset) <= 256, 'zero point and offset are small')
  claims.read(a, count)
  claims.readAny(b, Math.min(period, count))
  claims.write(dst, count)
  return count
}

const maxPool: Operation['check'] = (
  claims,
  src,
  dst,
  height,
  width,
  channels,
  outHeight,
  outWidth,
  windowRows,
  windowColumns,
  strideY,
  strideX,
  top,
  left,
) => {
  positive(claims, height, width, outHeight, outWidth, windowRows, windowColumns, strideY, strideX)
  eights(claims, channels)
  claims.require(
    top >= 0 && left >= 0 && top < windowRows && left < windowColumns,
    'padding is smaller than the window',
  )
  claims.require(
    (outHeight - 1) * strideY - top < height && (outWidth - 1) * strideX - left < width,
    'every window covers a part of the image',
  )
  claims.read(src, height * width * channels)
  claims.write(dst, outHeight * outWidth * channels)
  return outHeight * outWidth * channels * Math.min(windowRows, height) * Math.min(windowColumns, width)
}

function products(
  claims: Claims,
  weights: number,
  depth: number,
  columns: number,
  weightZero: number,
  zero: number,
  low: number,
  high: number,
): void {
  eights(claims, depth, columns)
  int8(claims, weightZero, zero, low, high)
  claims.weights(weights, productWeightBytes(depth, columns))
}

const realsToReals = (claims: Claims, src: number, dst: number, count: number): number => {
  positive(claims, count)
  claims.read(src, realBytes(count))
  claims.write(dst, realBytes(count))
  return 16 * count
}

export const OPERATIONS = {
  quantise: operation(1, 7, 1, (claims, src, dst, channels, pixels, pixelBytes, zero, scale) => {
    claims.write(dst, pixelSpan(claims, channels, pixels, pixelBytes))
    scales(claims, scale)
    int8(claims, zero)
    claims.read(src, 4 * channels * pixels)
    return channels * pixels
  }),
  dequantise: operation(2, 7, 1, (claims, src, dst, channels, pixels, pixelBytes, zero, scale) => {
    claims.readAny(src, pixelSpan(claims, channels, pixels, pixelBytes))
    scales(claims, scale)
    int8(claims, zero)
    claims.write(dst, 4 * channels * pixels)
    return channels * pixels
  }),
  pad: operation(3, 9, 0, (claims, src, dst, height, rowBytes, left, right, top, bottom, value) => {
    positive(claims, height, rowBytes)
    natural(claims, left, right, top, bottom)
    int8(claims, value)
    const bytes = (top + height + bottom) * (left + rowBytes + right)
    claims.read(src, height * rowBytes)
    claims.write(dst, bytes)
    return bytes
  }),
  copy: operation(4, 9, 0, (claims, src, dst, outer, inner, bytes, srcOuter, srcInner, dstOuter, dstInner) => {
    positive(claims, outer, inner, bytes)
    natural(claims, srcOuter, srcInner, dstOuter, dstInner)
    claims.readAny(src, (outer - 1) * srcOuter + (inner - 1) * srcInner + bytes)
    claims.write(dst, (outer - 1) * dstOuter + (inner - 1) * dstInner + bytes)
    return outer * inner * bytes
  }),
  multiply: operation(
    5,
    11,
    0,
    (claims, weights, depth, columns, src, dst, rows, scratch, weightZero, zero, low, high) => {
      positive(claims, rows)
      products(claims, weights, depth, columns, weightZero, zero, low, high)
      claims.scratch(scratch, multiplyScratchBytes(depth))
      claims.read(src, rows * depth)
      claims.write(dst, rows * columns)
      return rows * depth * columns
    },
  ),
  convolve: operation(
    6,
    20,
    0,
    (
      claims,
      weights,
      depth,
      columns,
      src,
      dst,
      outHeight,
      outWidth,
      stepY,
      stepX,
      windowRows,
      rowStep,
      runs,
      runLength,
      runStep,
      pixelBytes,
      scratch,
      weightZero,
      zero,
      low,
      high,
    ) => {
      positive(claims, outHeight, outWidth, stepY, stepX, windowRows, rowStep, runs, runLength, runStep)
      products(claims, weights, depth, columns, weightZero, zero, low, high)
      claims.require(depth >= windowRows * runs * runLength, 'the depth holds the window')
      claims.require(pixelBytes >= columns, 'a pixel holds its channels')
      claims.scratch(scratch, convolveScratchBytes(depth))
      const span = windowSpan(outHeight, outWidth, stepY, stepX, windowRows, rowStep, runs, runStep)
      claims.read(src, span + roundUp(runLength, 8))
      claims.write(dst, (outHeight * outWidth - 1) * pixelBytes + columns)
      return outHeight * outWidth * depth * columns
    },
  ),
  depthwise: operation(
    7,
    15,
    0,
    (
      claims,
      src,
      dst,
      outHeight,
      outWidth,
      channels,
      stepY,
      stepX,
      windowRows,
      rowStep,
      windowColumns,
      columnStep,
      weights,
      zero,
      low,
      high,
    ) => {
      positive(claims, outHeight, outWidth, stepY, stepX, windowRows, rowStep, windowColumns, columnStep)
      eights(claims, channels)
      int8(claims, zero, low, high)
      claims.weights(weights, depthwiseWeightBytes(windowRows * windowColumns, channels))
      const span = windowSpan(outHeight, outWidth, stepY, stepX, windowRows, rowStep, windowColumns, columnStep)
      claims.read(src, span + channels)
      claims.write(dst, outHeight * outWidth * channels)
      return outHeight * outWidth * channels * windowRows * windowColumns
    },
  ),
  depthwise3: operation(
    8,
    11,
    0,
    (claims, src, dst, outHeight, outWidth, channels, rowStep, stride, weights, zero, low, high) => {
      positive(claims, outHeight, outWidth, rowStep, stride)
      eights(claims, channels)
      int8(claims, zero, low, high)
      claims.weights(weights, depthwiseWeightBytes(DEPTHWISE3_TAPS, channels))
      claims.read(src, ((outHeight - 1) * stride + 2) * rowStep + ((outWidth - 1) * stride + 3) * channels)
      claims.write(dst, outHeight * outWidth * channels)
      return outHeight * outWidth * channels * 9
    },
  ),
  add: operation(9, 14, 4, elementwise),
  scale: operation(10, 14, 4, elementwise),
  lookup: operation(11, 4, 0, (claims, src, dst, count, table) => {
    eights(claims, count)
    claims.weights(table, 256)
    claims.read(src, count)
    claims.write(dst, count)
    return count
  }),
  averagePool: operation(12, 21, 3, (claims, ...args) => {
    const [divisor = 0, zeroIn = 0, offset = 0, low = 0, high = 0, scaleIn = 0, scaleOut = 0, zero = 0] = args.slice(13)
    scales(claims, scaleIn, scaleOut)
    int8(claims, zeroIn, low, high)
    claims.require(divisor >= 0 && Number.isFinite(zero) && Math.abs(offset) <= 256, 'the divisor is a count')
    return maxPool(claims, ...args)
  }),
  maxPool: operation(13, 13, 0, maxPool),
  globalAverage: operation(14, 9, 1, (claims, src, dst, pixels, channels, zeroIn, zero, low, high, scale) => {
    positive(claims, pixels)
    eights(claims, channels)
    scales(claims, scale)
    int8(claims, zeroIn, zero, low, high)
    claims.read(src, pixels * channels)
    claims.write(dst, channels)
    return pixels * channels
  }),
  softmax: operation(15, 4, 0, (claims, src, dst, rows, count) => {
    positive(claims, rows)
    return realsToReals(claims, src, dst, rows * count)
  }),
  /** Rows by matrices of reals, both of them values or constants; see `kernels/real.ts`. */
  product: operation(
    16,
    12,
    0,
    (claims, src, weights, bias, dst, batch, rows, depth, columns, srcBatch, weightsBatch, biasRow, biasColumn) => {
      positive(claims, batch, rows, depth, columns)
      natural(claims, srcBatch, weightsBatch, biasRow)
      claims.require(biasColumn === 0 || biasColumn === 1, 'the bias changes with the column or does not')
      claims.readAny(src, (batch - 1) * srcBatch + 4 * rows * depth)
      claims.readAny(weights, (batch - 1) * weightsBatch + 4 * (depth - 1) * columns + realBytes(columns))
      claims.readAny(bias, (batch * rows - 1) * biasRow + (biasColumn ? realBytes(columns) : 4))
      claims.write(dst, 4 * (batch * rows - 1) * columns + realBytes(columns))
      return batch * rows * (depth + 1) * columns
    },
  ),
  mapReal: operation(17, 4, 0, (claims, src, dst, count) => realsToReals(claims, src, dst, count)),
  combineReal: operation(18, 6, 0, (claims, a, b, dst, count, period) => {
    claims.require(period >= count || (period > 0 && period % 4 === 0), 'what repeats is a multiple of 4 long')
    claims.readAny(b, realBytes(Math.min(period, count)))
    return realsToReals(claims, a, dst, count)
  }),
  clampReal: operation(19, 5, 2, (claims, src, dst, count) => realsToReals(claims, src, dst, count)),
  reduceReal: operation(20, 6, 0, (claims, src, dst, outer, count, inner) => {
    positive(claims, outer, count, inner)
    claims.read(src, 4 * outer * count * inner)
    claims.write(dst, 4 * outer * inner)
    return outer * count * inner
  }),
  normalise: operation(21, 5, 1, (claims, src, dst, rows, count) => {
    positive(claims, rows)
    return realsToReals(claims, src, dst, rows * count)
  }),
  gather: operation(22, 7, 0, (claims, src, indices, dst, outer, pieces, bytes, count) => {
    positive(claims, outer, pieces, bytes, count)
    claims.readAny(src, outer * count * bytes)
    claims.read(indices, 4 * pieces)
    claims.write(dst, outer * pieces * bytes)
    return outer * pieces * bytes
  }),
  unfold: operation(23, 16, 1, (claims, src, dst, channels, ...rest) => {
    const [height = 0, width = 0, outHeight = 0, outWidth = 0, rows = 0, columns = 0, strideY = 0, strideX = 0] = rest
    positive(claims, channels, height, width, outHeight, outWidth, rows, columns, strideY, strideX)
    // So small that no place in the image can come out wrong by 32 bits.
    claims.require(
      rest.slice(0, 12).every((value) => Math.abs(value) < 32_768),
      'pictures and steps are small',
    )
    const count = channels * rows * columns * outHeight * outWidth
    claims.read(src, realBytes(channels * height * width))
    claims.write(dst, realBytes(count))
    return count
  }),
  /** Rows of reals, quantised by their own range as they come, by int8 weights; see `kernels/dense.ts`. */
  dense: operation(24, 7, 0, (claims, weights, depth, columns, src, dst, rows, scratch) => {
    positive(claims, rows)
    eights(claims, depth, columns)
    claims.weights(weights, productWeightBytes(depth, columns))
    claims.read(src, 4 * rows * depth)
    claims.write(dst, 4 * rows * columns)
    claims.scratch(scratch, denseScratchBytes(rows, depth))
    return rows * depth * columns
  }),
  largest: operation(25, 6, 0, (claims, src, dst, indices, rows, count, most) => {
    positive(claims, rows, count, most)
    claims.require(most <= count, 'no more are asked for than there are')
    claims.read(src, 4 * rows * count)
    claims.write(dst, 4 * rows * most)
    claims.write(indices, 4 * rows * most)
    return rows * count * most
  }),
} as const satisfies Record<string, Operation>

export type OperationKind = keyof typeof OPERATIONS

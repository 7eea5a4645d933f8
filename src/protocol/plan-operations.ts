/**
 * What a plan can ask of the nano kernels: for each operation its arguments, in the order in which its kernel takes
 * them, and the rules that keep it inside its memory. Addresses and sizes are in bytes: `src`, `dst` and the like lie in
 * the arena, `weights` and `table` in the weights. Int8 images are NHWC with channels padded to a multiple of 8.
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

type Words<S extends string> = S extends `${infer First} ${infer Rest}` ? First | Words<Rest> : S
type Name<W extends string> = W extends `~${infer N}` ? N : W
type Values<S extends string> = Readonly<Record<Name<Words<S>>, number>>

export interface Operation {
  /** Its number in a plan; never given to another one. */
  readonly code: number
  readonly args: readonly string[]
  /** Those of `args` that are f32; the others are i32. */
  readonly floats: ReadonlySet<string>
  check(args: Readonly<Record<string, number>>, claims: Claims): void
  /** Steps of the inner loops, about one multiply-add each: what bounds the time. */
  work(args: Readonly<Record<string, number>>): number
}

/** `words` are the arguments' names; `~` marks an f32. */
function operation<const S extends string>(
  code: number,
  words: S,
  check: (args: Values<S>, claims: Claims) => void,
  work: (args: Values<S>) => number,
): Operation {
  const list = words.split(' ')
  return {
    code,
    args: list.map((word) => word.replace('~', '')),
    floats: new Set(list.filter((word) => word.startsWith('~')).map((word) => word.slice(1))),
    check: check as Operation['check'],
    work: work as Operation['work'],
  }
}

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple

/** Bytes of packed weights for the products kernels: see `kernels/products.ts`. */
export const productWeightBytes = (depth: number, columns: number): number => (columns / 8) * (64 + 8 * depth)
export const multiplyScratchBytes = (depth: number): number => 16 + 16 * depth
export const convolveScratchBytes = (depth: number): number => 24 + 20 * depth
/** Weights of 8 channels of `depthwise` and `depthwise3`. */
export const depthwiseWeightBytes = (taps: number, channels: number): number => (channels / 8) * (64 + 16 * taps)
export const DEPTHWISE3_TAPS = 10
/** What `mapReal` and `combineReal` take as `function`. */
export const REAL_FUNCTIONS = ['Sigmoid', 'Tanh', 'Exp', 'Sqrt', 'Abs', 'Neg']
export const REAL_PAIRS = ['Add', 'Sub', 'Mul', 'Div']

const positive = (claims: Claims, ...values: number[]): void =>
  claims.require(
    values.every((value) => value >= 1),
    'sizes and steps are at least 1',
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

interface Products {
  depth: number
  columns: number
  weights: number
  weightZero: number
  zero: number
  low: number
  high: number
}

function checkProducts(a: Products, claims: Claims): void {
  eights(claims, a.depth, a.columns)
  int8(claims, a.zero, a.low, a.high, a.weightZero)
  claims.weights(a.weights, productWeightBytes(a.depth, a.columns))
}

const ELEMENTWISE = 'a b dst count period ~scaleA zeroA ~scaleB zeroB ~scale ~zero offset low high'

function checkElementwise(a: Values<typeof ELEMENTWISE>, claims: Claims): void {
  eights(claims, a.count, a.period)
  int8(claims, a.zeroA, a.zeroB, a.low, a.high)
  scales(claims, a.scaleA, a.scaleB, a.scale)
  claims.require(Number.isFinite(a.zero) && Math.abs(a.offset) <= 256, 'zero point and offset are small')
  claims.read(a.a, a.count)
  claims.readAny(a.b, Math.min(a.period, a.count))
  claims.write(a.dst, a.count)
}

interface Pool {
  src: number
  dst: number
  height: number
  width: number
  channels: number
  outHeight: number
  outWidth: number
  windowRows: number
  windowColumns: number
  strideY: number
  strideX: number
  top: number
  left: number
}

function checkPool(a: Pool, claims: Claims): void {
  positive(claims, a.height, a.width, a.outHeight, a.outWidth, a.windowRows, a.windowColumns, a.strideY, a.strideX)
  eights(claims, a.channels)
  claims.require(
    a.top >= 0 && a.left >= 0 && a.top < a.windowRows && a.left < a.windowColumns,
    'padding is smaller than the window',
  )
  claims.require(
    (a.outHeight - 1) * a.strideY - a.top < a.height && (a.outWidth - 1) * a.strideX - a.left < a.width,
    'every window covers a part of the image',
  )
  claims.read(a.src, a.height * a.width * a.channels)
  claims.write(a.dst, a.outHeight * a.outWidth * a.channels)
}

const poolWork = (a: Pool): number =>
  a.outHeight * a.outWidth * a.channels * Math.min(a.windowRows, a.height) * Math.min(a.windowColumns, a.width)

export const OPERATIONS = {
  quantise: operation(
    1,
    'src dst channels pixels pixelBytes ~scale zero',
    (a, claims) => {
      positive(claims, a.channels, a.pixels)
      claims.require(a.pixelBytes >= a.channels, 'a pixel holds its channels')
      scales(claims, a.scale)
      int8(claims, a.zero)
      claims.read(a.src, 4 * a.channels * a.pixels)
      claims.write(a.dst, a.pixelBytes * (a.pixels - 1) + a.channels)
    },
    (a) => a.channels * a.pixels,
  ),
  dequantise: operation(
    2,
    'src dst channels pixels pixelBytes ~scale zero',
    (a, claims) => {
      positive(claims, a.channels, a.pixels)
      claims.require(a.pixelBytes >= a.channels, 'a pixel holds its channels')
      scales(claims, a.scale)
      int8(claims, a.zero)
      claims.read(a.src, a.pixelBytes * (a.pixels - 1) + a.channels)
      claims.write(a.dst, 4 * a.channels * a.pixels)
    },
    (a) => a.channels * a.pixels,
  ),
  pad: operation(
    3,
    'src dst height rowBytes left right top bottom value',
    (a, claims) => {
      positive(claims, a.height, a.rowBytes)
      claims.require(Math.min(a.left, a.right, a.top, a.bottom) >= 0, 'padding is not negative')
      int8(claims, a.value)
      claims.read(a.src, a.height * a.rowBytes)
      claims.write(a.dst, (a.top + a.height + a.bottom) * (a.left + a.rowBytes + a.right))
    },
    (a) => (a.top + a.height + a.bottom) * (a.left + a.rowBytes + a.right),
  ),
  copy: operation(
    4,
    'src dst outer inner bytes srcOuter srcInner dstOuter dstInner',
    (a, claims) => {
      positive(claims, a.outer, a.inner, a.bytes)
      claims.require(Math.min(a.srcOuter, a.srcInner, a.dstOuter, a.dstInner) >= 0, 'steps are not negative')
      claims.read(a.src, (a.outer - 1) * a.srcOuter + (a.inner - 1) * a.srcInner + a.bytes)
      claims.write(a.dst, (a.outer - 1) * a.dstOuter + (a.inner - 1) * a.dstInner + a.bytes)
    },
    (a) => a.outer * a.inner * a.bytes,
  ),
  multiply: operation(
    5,
    'src dst rows depth columns weights scratch weightZero zero low high',
    (a, claims) => {
      positive(claims, a.rows)
      checkProducts(a, claims)
      claims.scratch(a.scratch, multiplyScratchBytes(a.depth))
      claims.read(a.src, a.rows * a.depth)
      claims.write(a.dst, a.rows * a.columns)
    },
    (a) => a.rows * a.depth * a.columns,
  ),
  convolve: operation(
    6,
    'src dst outHeight outWidth stepY stepX windowRows rowStep runs runLength runStep depth columns pixelBytes weights scratch weightZero zero low high',
    (a, claims) => {
      positive(claims, a.outHeight, a.outWidth, a.stepY, a.stepX, a.windowRows, a.rowStep, a.runs, a.runLength)
      positive(claims, a.runStep)
      checkProducts(a, claims)
      claims.require(a.depth >= a.windowRows * a.runs * a.runLength, 'the depth holds the window')
      claims.require(a.pixelBytes >= a.columns, 'a pixel holds its channels')
      claims.scratch(a.scratch, convolveScratchBytes(a.depth))
      claims.read(
        a.src,
        (a.outHeight - 1) * a.stepY +
          (a.outWidth - 1) * a.stepX +
          (a.windowRows - 1) * a.rowStep +
          (a.runs - 1) * a.runStep +
          roundUp(a.runLength, 8),
      )
      claims.write(a.dst, (a.outHeight * a.outWidth - 1) * a.pixelBytes + a.columns)
    },
    (a) => a.outHeight * a.outWidth * a.depth * a.columns,
  ),
  depthwise: operation(
    7,
    'src dst outHeight outWidth channels stepY stepX windowRows rowStep windowColumns columnStep weights zero low high',
    (a, claims) => {
      positive(claims, a.outHeight, a.outWidth, a.stepY, a.stepX, a.windowRows, a.rowStep, a.windowColumns)
      positive(claims, a.columnStep)
      eights(claims, a.channels)
      int8(claims, a.zero, a.low, a.high)
      claims.weights(a.weights, depthwiseWeightBytes(a.windowRows * a.windowColumns, a.channels))
      claims.read(
        a.src,
        (a.outHeight - 1) * a.stepY +
          (a.outWidth - 1) * a.stepX +
          (a.windowRows - 1) * a.rowStep +
          (a.windowColumns - 1) * a.columnStep +
          a.channels,
      )
      claims.write(a.dst, a.outHeight * a.outWidth * a.channels)
    },
    (a) => a.outHeight * a.outWidth * a.channels * a.windowRows * a.windowColumns,
  ),
  depthwise3: operation(
    8,
    'src dst outHeight outWidth channels rowStep stride weights zero low high',
    (a, claims) => {
      positive(claims, a.outHeight, a.outWidth, a.rowStep, a.stride)
      eights(claims, a.channels)
      int8(claims, a.zero, a.low, a.high)
      claims.weights(a.weights, depthwiseWeightBytes(DEPTHWISE3_TAPS, a.channels))
      claims.read(
        a.src,
        ((a.outHeight - 1) * a.stride + 2) * a.rowStep + ((a.outWidth - 1) * a.stride + 3) * a.channels,
      )
      claims.write(a.dst, a.outHeight * a.outWidth * a.channels)
    },
    (a) => a.outHeight * a.outWidth * a.channels * 9,
  ),
  add: operation(9, ELEMENTWISE, checkElementwise, (a) => a.count),
  scale: operation(10, ELEMENTWISE, checkElementwise, (a) => a.count),
  lookup: operation(
    11,
    'src dst count table',
    (a, claims) => {
      eights(claims, a.count)
      claims.weights(a.table, 256)
      claims.read(a.src, a.count)
      claims.write(a.dst, a.count)
    },
    (a) => a.count,
  ),
  averagePool: operation(
    12,
    'src dst height width channels outHeight outWidth windowRows windowColumns strideY strideX top left divisor ~scaleIn zeroIn ~scaleOut ~zero offset low high',
    (a, claims) => {
      checkPool(a, claims)
      scales(claims, a.scaleIn, a.scaleOut)
      int8(claims, a.zeroIn, a.low, a.high)
      claims.require(a.divisor >= 0 && Number.isFinite(a.zero) && Math.abs(a.offset) <= 256, 'the divisor is a count')
    },
    poolWork,
  ),
  maxPool: operation(
    13,
    'src dst height width channels outHeight outWidth windowRows windowColumns strideY strideX top left',
    checkPool,
    poolWork,
  ),
  globalAverage: operation(
    14,
    'src dst pixels channels zeroIn ~scale zero low high',
    (a, claims) => {
      positive(claims, a.pixels)
      eights(claims, a.channels)
      scales(claims, a.scale)
      int8(claims, a.zeroIn, a.zero, a.low, a.high)
      claims.read(a.src, a.pixels * a.channels)
      claims.write(a.dst, a.channels)
    },
    (a) => a.pixels * a.channels,
  ),
  softmax: operation(
    15,
    'src dst rows count',
    (a, claims) => {
      positive(claims, a.rows, a.count)
      claims.read(a.src, 4 * a.rows * a.count)
      claims.write(a.dst, 4 * a.rows * a.count)
    },
    (a) => 16 * a.rows * a.count,
  ),
  linear: operation(
    16,
    'src dst rows depth columns outColumns weights',
    (a, claims) => {
      positive(claims, a.rows, a.depth, a.outColumns)
      claims.require(a.columns % 4 === 0 && a.columns >= a.outColumns, 'columns are padded to a multiple of 4')
      claims.weights(a.weights, 4 * (a.depth + 1) * a.columns)
      claims.read(a.src, 4 * a.rows * a.depth)
      claims.write(a.dst, 4 * a.rows * a.outColumns)
    },
    (a) => a.rows * (a.depth + 1) * a.columns,
  ),
  mapReal: operation(
    17,
    'src dst count function',
    (a, claims) => {
      positive(claims, a.count)
      claims.read(a.src, 4 * a.count)
      claims.write(a.dst, 4 * a.count)
    },
    (a) => 16 * a.count,
  ),
  combineReal: operation(
    18,
    'a b dst count period function',
    (a, claims) => {
      positive(claims, a.count, a.period)
      claims.read(a.a, 4 * a.count)
      claims.readAny(a.b, 4 * Math.min(a.period, a.count))
      claims.write(a.dst, 4 * a.count)
    },
    (a) => 4 * a.count,
  ),
  clampReal: operation(
    19,
    'src dst count ~low ~high',
    (a, claims) => {
      positive(claims, a.count)
      claims.read(a.src, 4 * a.count)
      claims.write(a.dst, 4 * a.count)
    },
    (a) => 4 * a.count,
  ),
} as const satisfies Record<string, Operation>

export type OperationKind = keyof typeof OPERATIONS

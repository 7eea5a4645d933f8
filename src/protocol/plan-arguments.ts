import type { OperationKind } from './plan-operations.ts'

/**
 * Names of each operation's arguments, in the order in which its kernel takes them. Only who makes or explains plans needs
 * them: an engine that runs them goes by position, and does not carry these words to the phone.
 */
const ELEMENTWISE = 'a b dst count period zeroA zeroB offset low high scaleA scaleB scale zero'
const POOL = 'src dst height width channels outHeight outWidth windowRows windowColumns strideY strideX top left'
const REAL = 'src dst count'

const WORDS = {
  quantise: 'src dst channels pixels pixelBytes zero scale',
  dequantise: 'src dst channels pixels pixelBytes zero scale',
  pad: 'src dst height rowBytes left right top bottom value',
  copy: 'src dst outer inner bytes srcOuter srcInner dstOuter dstInner',
  multiply: 'weights depth columns src dst rows scratch weightZero zero low high',
  convolve:
    'weights depth columns src dst outHeight outWidth stepY stepX windowRows rowStep runs runLength runStep pixelBytes scratch weightZero zero low high',
  depthwise:
    'src dst outHeight outWidth channels stepY stepX windowRows rowStep windowColumns columnStep weights zero low high',
  depthwise3: 'src dst outHeight outWidth channels rowStep stride weights zero low high',
  add: ELEMENTWISE,
  scale: ELEMENTWISE,
  lookup: 'src dst count table',
  averagePool: `${POOL} divisor zeroIn offset low high scaleIn scaleOut zero`,
  maxPool: POOL,
  globalAverage: 'src dst pixels channels zeroIn zero low high scale',
  softmax: 'src dst rows count',
  product: 'src weights bias dst batch rows depth columns srcBatch weightsBatch biasRow biasColumn',
  mapReal: `${REAL} function`,
  combineReal: 'a b dst count period function',
  clampReal: `${REAL} low high`,
  reduceReal: 'src dst outer count inner function',
  normalise: 'src dst rows count epsilon',
  gather: 'src indices dst outer pieces bytes count',
  unfold:
    'src dst channels height width outHeight outWidth windowRows windowColumns strideY strideX dilationY dilationX top left fill',
  dense: 'weights depth columns src dst rows scratch',
  largest: 'src dst indices rows count most',
} as const satisfies Record<OperationKind, string>

type Words<S extends string> = S extends `${infer First} ${infer Rest}` ? First | Words<Rest> : S
/** The names of an operation's arguments. */
export type ArgumentName<K extends OperationKind> = Words<(typeof WORDS)[K]>

export const ARGUMENTS = Object.fromEntries(
  Object.entries(WORDS).map(([kind, words]) => [kind, words.split(' ')]),
) as unknown as Readonly<{ [K in OperationKind]: readonly ArgumentName<K>[] }>

/** A step's arguments by name. */
export const namedArguments = ({
  kind,
  args,
}: {
  kind: OperationKind
  args: readonly number[]
}): Record<string, number> => Object.fromEntries(ARGUMENTS[kind].map((name, i) => [name, args[i] ?? 0]))

/** What `mapReal` takes as `function`. */
export const MAPS = ['Sigmoid', 'Tanh', 'Exp', 'Sqrt', 'Abs', 'Neg', 'Erf', 'Log', 'Floor', 'Round'] as const
/** What `combineReal` takes as `function`: `Keep` is a where b is not 0 and 0 elsewhere, `Drop` the other way round. */
export const PAIRS = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Less', 'Equal', 'Keep', 'Drop'] as const
/** What `reduceReal` takes as `function`. */
export const REDUCTIONS = ['Sum', 'Max', 'ArgMax'] as const

import type { NetLayer } from './nano-models.ts'
import { createRandom } from './qdq-graph.ts'

/** As much of the package `flatbuffers` as is used; benches install it beside the peers that need it. */
export interface FlatBuilder {
  startObject(fields: number): void
  endObject(): number
  addFieldInt8(field: number, value: number, otherwise: number): void
  addFieldInt32(field: number, value: number, otherwise: number): void
  addFieldOffset(field: number, value: number, otherwise: number): void
  startVector(elementBytes: number, count: number, alignment: number): void
  addInt32(value: number): void
  addInt8(value: number): void
  addOffset(value: number): void
  endVector(): number
  createByteVector(bytes: Uint8Array): number
  createString(text: string): number
  prep(alignment: number, additional: number): void
  finish(root: number, identifier?: string): void
  asUint8Array(): Uint8Array
}

/** Of the schema of TensorFlow Lite: numbers of operators and of the union of their options. */
const OPERATORS = {
  add: { code: 0, options: 11 },
  conv: { code: 3, options: 1 },
  depthwise: { code: 4, options: 2 },
  dense: { code: 9, options: 8 },
  mean: { code: 40, options: 27 },
} as const
type OperatorName = keyof typeof OPERATORS
const NAMES = Object.keys(OPERATORS) as OperatorName[]
const FLOAT32 = 0
const INT32 = 2
const RELU = 1

/** The net as a .tflite file of float32 with random weights: NHWC, as that format has it. */
export function writeTflite(b: FlatBuilder, size: number, layers: readonly NetLayer[]): Uint8Array {
  const random = createRandom(7)
  const ints = (values: readonly number[]): number => {
    b.startVector(4, values.length, 4)
    for (const value of [...values].reverse()) b.addInt32(value)
    return b.endVector()
  }
  const offsets = (values: readonly number[]): number => {
    b.startVector(4, values.length, 4)
    for (const value of [...values].reverse()) b.addOffset(value)
    return b.endVector()
  }
  const table = (
    fields: readonly (readonly [field: number, kind: 'int8' | 'int32' | 'offset', value: number])[],
    count: number,
  ) => {
    b.startObject(count)
    for (const [field, kind, value] of fields) {
      if (kind === 'int8') b.addFieldInt8(field, value, 0)
      else if (kind === 'int32') b.addFieldInt32(field, value, 0)
      else b.addFieldOffset(field, value, 0)
    }
    return b.endObject()
  }
  // Buffer 0 is that of tensors without data.
  const buffers = [table([], 1)]
  const tensors: number[] = []
  const operators: number[] = []
  const values = new Map<number, number>()

  function tensor(shape: readonly number[], type = FLOAT32, buffer = 0): number {
    const [name, dims] = [b.createString(`t${tensors.length}`), ints(shape)]
    tensors.push(
      table(
        [
          [0, 'offset', dims],
          [1, 'int8', type],
          [2, 'int32', buffer],
          [3, 'offset', name],
        ],
        8,
      ),
    )
    return tensors.length - 1
  }
  function constant(shape: readonly number[], type: number, data: Float32Array | Int32Array): number {
    const bytes = new Uint8Array(data.buffer)
    b.startVector(1, bytes.length, 16)
    for (let i = bytes.length - 1; i >= 0; i--) b.addInt8(bytes[i] ?? 0)
    buffers.push(table([[0, 'offset', b.endVector()]], 1))
    return tensor(shape, type, buffers.length - 1)
  }
  const weights = (shape: readonly number[], spread: number): number => {
    const count = shape.reduce((all, n) => all * n, 1)
    return constant(
      shape,
      FLOAT32,
      Float32Array.from({ length: count }, () => ((random(2001) - 1000) / 1000) * spread),
    )
  }
  function operator(name: OperatorName, inputs: readonly number[], output: number, options: number): void {
    const [from, to] = [ints(inputs), ints([output])]
    operators.push(
      table(
        [
          [0, 'int32', NAMES.indexOf(name)],
          [1, 'offset', from],
          [2, 'offset', to],
          [3, 'int8', OPERATORS[name].options],
          [4, 'offset', options],
        ],
        9,
      ),
    )
  }
  const value = (index: number): number => values.get(index) ?? 0

  const input = tensor([1, size, size, 3])
  values.set(0, input)
  let output = input
  for (const layer of layers) {
    if (layer.op === 'conv') {
      const { inside, channels, kernel, stride, depthwise, relu, from, to, size: out } = layer
      const spread = 2 / Math.sqrt((depthwise ? 1 : inside) * kernel * kernel)
      const w = weights(depthwise ? [1, kernel, kernel, channels] : [channels, kernel, kernel, inside], spread)
      const bias = weights([channels], 0.1)
      const y = tensor([1, out, out, channels])
      const activation = relu ? RELU : 0
      const steps = [
        [1, 'int32', stride],
        [2, 'int32', stride],
      ] as const
      const options = depthwise
        ? table([...steps, [3, 'int32', 1], [4, 'int8', activation]], 7)
        : table([...steps, [3, 'int8', activation]], 6)
      operator(depthwise ? 'depthwise' : 'conv', [value(from), w, bias], y, options)
      values.set(to, y)
    } else if (layer.op === 'add') {
      const y = tensor([1, layer.size, layer.size, layer.channels])
      operator('add', [value(layer.from), value(layer.other)], y, table([[0, 'int8', layer.relu ? RELU : 0]], 2))
      values.set(layer.to, y)
    } else {
      const axes = constant([2], INT32, Int32Array.of(1, 2))
      const pooled = tensor([1, layer.channels])
      operator('mean', [value(layer.from), axes], pooled, table([], 1))
      output = tensor([1, layer.classes])
      const parameters = [weights([layer.classes, layer.channels], 0.1), weights([layer.classes], 0.1)]
      operator('dense', [pooled, ...parameters], output, table([], 4))
    }
  }
  const codes = offsets(
    NAMES.map((name) =>
      table(
        [
          [0, 'int8', OPERATORS[name].code],
          [2, 'int32', 1],
          [3, 'int32', OPERATORS[name].code],
        ],
        4,
      ),
    ),
  )
  const parts = [offsets(tensors), ints([input]), ints([output]), offsets(operators)]
  const graph = table(
    parts.map((part, i) => [i, 'offset', part] as const),
    5,
  )
  const [graphs, all] = [offsets([graph]), offsets(buffers)]
  b.finish(
    table(
      [
        [0, 'int32', 3],
        [1, 'offset', codes],
        [2, 'offset', graphs],
        [4, 'offset', all],
      ],
      8,
    ),
    'TFL3',
  )
  return b.asUint8Array()
}

import type { Bytes } from '../../src/lib/bytes.ts'
import { createQdqGraph } from './qdq-graph.ts'

/** A value on its way through a net, with what the next layer needs to know of it. */
interface Value {
  name: string
  channels: number
  size: number
  scale: number
}

interface Layer {
  channels: number
  kernel?: number
  stride?: number
  depthwise?: boolean
  relu?: boolean
}

const eights = (channels: number): number => Math.max(8, Math.round(channels / 8) * 8)

/** What a net is made of; `T` is what comes out in the end. */
interface Net<T> {
  input(): Value
  conv(x: Value, layer: Layer): Value
  add(a: Value, b: Value, relu?: boolean): Value
  finish(x: Value, classes: number): T
}

/** A layer of a net as data, for engines that do not read ONNX; `from` and `to` are numbers of values, 0 the input. */
export type NetLayer =
  | (Required<Layer> & { op: 'conv'; from: number; to: number; inside: number; size: number })
  | { op: 'add'; from: number; other: number; to: number; relu: boolean; channels: number; size: number }
  | { op: 'finish'; from: number; channels: number; size: number; classes: number }

/** Only says which layers there are. */
function recordNet(size: number): Net<NetLayer[]> {
  const layers: NetLayer[] = []
  let count = 0
  const at = ({ name }: Value): number => Number(name)
  return {
    input: () => ({ name: '0', channels: 3, size, scale: 1 }),
    conv(x, { channels, kernel = 1, stride = 1, depthwise = false, relu = true }) {
      const [to, out] = [++count, Math.ceil(x.size / stride)]
      layers.push({
        op: 'conv',
        from: at(x),
        to,
        inside: x.channels,
        channels,
        kernel,
        stride,
        depthwise,
        relu,
        size: out,
      })
      return { ...x, name: String(to), channels, size: out }
    },
    add(a, b, relu = false) {
      const to = ++count
      layers.push({ op: 'add', from: at(a), other: at(b), to, relu, channels: a.channels, size: a.size })
      return { ...a, name: String(to) }
    },
    finish(x, classes) {
      layers.push({ op: 'finish', from: at(x), channels: x.channels, size: x.size, classes })
      return layers
    },
  }
}

/**
 * The same net as float32 and as int8 (QDQ): the shapes of a well-known architecture with random weights, scaled so
 * that every layer's values fill their range. Speed does not depend on more.
 */
function createNet(precision: 'int8' | 'int7' | 'float32', size: number): Net<Bytes> {
  const graph = createQdqGraph(2026)
  const narrow = precision === 'int7' ? { limit: 63 } : {}
  const random = (): number => graph.random(2001) / 1000 - 1
  const float = (dims: number[], spread: number): string => {
    const count = dims.reduce((product, dim) => product * dim, 1)
    return graph.constant(
      'weights',
      graph.floats(
        Array.from({ length: count }, () => random() * spread),
        dims,
      ),
    )
  }
  const settle = (name: string, value: Omit<Value, 'name'>, relu: boolean): Value => {
    if (precision === 'float32') return { ...value, name: relu ? graph.node('Relu', [name]) : name }
    const activation = { type: 'uint8', scale: value.scale, zero: relu ? 0 : 128 } as const
    return { ...value, name: graph.quantised(name, activation) }
  }

  return {
    input(): Value {
      const channels = 3
      const name = graph.input([1, channels, size, size])
      return settle(name, { channels, size, scale: 1 / 128 }, false)
    },
    conv(x: Value, { channels, kernel = 1, stride = 1, depthwise = false, relu = true }: Layer): Value {
      const inside = depthwise ? 1 : x.channels
      const dims = [channels, inside, kernel, kernel]
      const spread = Math.sqrt(inside * kernel * kernel)
      const pad = Math.floor(kernel / 2)
      const attributes = {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [pad, pad, pad, pad],
        group: depthwise ? x.channels : 1,
      }
      const out = { channels, size: Math.ceil(x.size / stride) }
      if (precision === 'float32') {
        const inputs = [x.name, float(dims, 2 / spread), float([channels], 0.1)]
        return settle(graph.node('Conv', inputs, attributes), { ...out, scale: 0 }, relu)
      }
      const weights = graph.weights({ dims, perChannel: true, scale: 0.01 / spread, ...narrow })
      const bias = graph.bias(channels, x.scale, weights.scales)
      const conv = graph.node('Conv', [x.name, weights.name, bias], attributes)
      return settle(conv, { ...out, scale: x.scale }, relu)
    },
    add(a: Value, b: Value, relu = false): Value {
      return settle(graph.node('Add', [a.name, b.name]), { ...a, scale: a.scale }, relu)
    },
    finish(x: Value, classes: number): Bytes {
      const pooled = settle(graph.node('GlobalAveragePool', [x.name]), { ...x, size: 1 }, true)
      const dims = [classes, x.channels]
      const flat = graph.node('Flatten', [pooled.name])
      const attributes = { transB: 1 }
      if (precision === 'float32') {
        graph.output(graph.node('Gemm', [flat, float(dims, 0.1), float([classes], 0.1)], attributes), [1, classes])
      } else {
        const again = settle(flat, pooled, true)
        const weights = graph.weights({ dims, scale: 0.01 / Math.sqrt(x.channels), ...narrow })
        const inputs = [again.name, weights.name, graph.bias(classes, again.scale, weights.scales)]
        graph.output(settle(graph.node('Gemm', inputs, attributes), x, false).name, [1, classes])
      }
      return graph.build()
    },
  }
}

function mobileNetV1<T>(net: Net<T>, width: number): T {
  let x = net.conv(net.input(), { channels: eights(32 * width), kernel: 3, stride: 2 })
  const blocks = [
    [64, 1],
    [128, 2],
    [128, 1],
    [256, 2],
    [256, 1],
    [512, 2],
    ...Array.from({ length: 5 }, () => [512, 1]),
    [1024, 2],
    [1024, 1],
  ] as [number, number][]
  for (const [channels, stride] of blocks) {
    x = net.conv(x, { channels: x.channels, kernel: 3, stride, depthwise: true })
    x = net.conv(x, { channels: eights(channels * width) })
  }
  return net.finish(x, 1000)
}

function mobileNetV2<T>(net: Net<T>, width: number): T {
  let x = net.conv(net.input(), { channels: eights(32 * width), kernel: 3, stride: 2 })
  const stages = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ] as [number, number, number, number][]
  for (const [expand, wanted, repeats, firstStride] of stages) {
    const channels = eights(wanted * width)
    for (let i = 0; i < repeats; i++) {
      const stride = i === 0 ? firstStride : 1
      const wide = expand === 1 ? x : net.conv(x, { channels: x.channels * expand })
      const mixed = net.conv(wide, { channels: wide.channels, kernel: 3, stride, depthwise: true })
      const narrow = net.conv(mixed, { channels, relu: false })
      x = stride === 1 && channels === x.channels ? net.add(narrow, x) : narrow
    }
  }
  return net.finish(net.conv(x, { channels: eights(1280 * Math.max(1, width)) }), 1000)
}

function resNet8<T>(net: Net<T>): T {
  let x = net.conv(net.input(), { channels: 16, kernel: 3 })
  for (const [channels, stride] of [
    [16, 1],
    [32, 2],
    [64, 2],
  ] as const) {
    const first = net.conv(x, { channels, kernel: 3, stride })
    const second = net.conv(first, { channels, kernel: 3, relu: false })
    const short = stride === 1 ? x : net.conv(x, { channels, stride, relu: false })
    x = net.add(second, short, true)
  }
  return net.finish(x, 10)
}

export interface BenchModel {
  name: string
  int8: Bytes
  float32: Bytes
  /** The same net with weights of 7 bits. */
  int7?: Bytes
  /** Of a square picture of `size`, where the net is one of ours. */
  net?: { size: number; layers: readonly NetLayer[] }
}

const ARCHITECTURES: Record<string, { size: number; make: <T>(net: Net<T>) => T }> = {
  'MobileNetV1 0.25/224': { size: 224, make: (net) => mobileNetV1(net, 0.25) },
  'MobileNetV1 0.5/128': { size: 128, make: (net) => mobileNetV1(net, 0.5) },
  'MobileNetV2 0.35/160': { size: 160, make: (net) => mobileNetV2(net, 0.35) },
  'MobileNetV2 1.0/224': { size: 224, make: (net) => mobileNetV2(net, 1) },
  ResNet8: { size: 32, make: resNet8 },
}

/** Well-known shapes with random weights. */
export const architectures = (): BenchModel[] =>
  Object.entries(ARCHITECTURES).map(([name, { size, make }]) => ({
    name,
    int8: make(createNet('int8', size)),
    int7: make(createNet('int7', size)),
    float32: make(createNet('float32', size)),
    net: { size, layers: make(recordNet(size)) },
  }))

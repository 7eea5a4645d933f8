import { create } from '@bufbuild/protobuf'
import { JikoError } from '../../protocol/error.ts'
import type { Tensor, Tensors } from '../../protocol/tensor.ts'
import { type OpenModel, withModel } from '../engine.ts'
import { cloneGraph, type Graph } from '../graph.ts'
import { ValueInfoProtoSchema } from '../onnx_pb.ts'
import { writeModel } from '../write.ts'
import type { Ranges } from './apply.ts'
import { count, createHistogram, entropyRange, type Histogram, leastErrorRange, percentileRange } from './histogram.ts'
import type { Range } from './parameters.ts'

/** How a range is taken from what was seen. */
export type Method = 'min-max' | 'percentile' | 'mse' | 'entropy'
export const METHODS: readonly Method[] = ['min-max', 'percentile', 'mse', 'entropy']

/** What was seen of each tensor while the float model ran on the samples. */
export interface Statistics {
  readonly samples: number
  readonly tensors: ReadonlyMap<string, TensorStatistics>
}

export interface TensorStatistics {
  readonly histogram: Histogram
  /** Mean of each channel: the second axis of pictures, the last of anything else. */
  readonly means: Float64Array
}

/** Inputs to run a model on; only one need be in memory at a time. */
export interface Samples {
  readonly length: number
  at(index: number): Promise<Tensors>
}

export interface CalibrateOptions {
  open: OpenModel
  signal?: AbortSignal
  /** Runs done and runs in all. */
  onProgress?: (done: number, total: number) => void
}

const PERCENTILE = 99.99

/** The same model with every named tensor among its outputs. */
export function withOutputs(graph: Graph, names: readonly string[]): Uint8Array<ArrayBuffer> {
  const wide = cloneGraph(graph)
  const proto = wide.model.graph
  const fed = new Set(graph.inputs.map(({ name }) => name))
  if (proto) {
    const extra = names.filter((name) => !graph.isOutput(name) && !fed.has(name))
    proto.output = [...proto.output, ...extra.map((name) => create(ValueInfoProtoSchema, { name }))]
  }
  return writeModel(wide.model)
}

function channelAxis(dims: readonly number[]): number {
  return dims.length >= 3 ? 1 : dims.length - 1
}

/** Adds the mean of each channel of one value to the sums of those before it. */
export function addMeans({ dims, data }: Tensor, sums: Float64Array | undefined): Float64Array {
  const axis = channelAxis(dims)
  const channels = dims[axis] ?? 1
  const inner = dims.slice(axis + 1).reduce((product, n) => product * n, 1)
  const result = sums?.length === channels ? sums : new Float64Array(channels)
  const weight = channels / Math.max(1, data.length)
  for (let start = 0, channel = 0; start < data.length; start += inner, channel = (channel + 1) % channels) {
    let sum = 0
    for (let i = start; i < start + inner; i++) sum += Number(data[i])
    result[channel] = (result[channel] ?? 0) + sum * weight
  }
  return result
}

/** Distributions and means settle with so many samples; the ends of a range want all there are. */
const STUDIED = 48

/** Samples spread evenly over all of them: those that distributions, means and drift are measured on. */
export function studied(samples: Samples): Samples {
  if (samples.length <= STUDIED) return samples
  return { length: STUDIED, at: (i) => samples.at(Math.floor((i * samples.length) / STUDIED)) }
}

/**
 * Runs the float model on every sample for the ends of each tensor, then on fewer for what lies between.
 * @param samples only one is held at a time.
 * @throws JikoError `model/no-samples`, `model/not-finite`
 */
export async function collectStatistics(
  graph: Graph,
  names: readonly string[],
  samples: Samples,
  { open, signal, onProgress }: CalibrateOptions,
): Promise<Statistics> {
  if (samples.length === 0)
    throw new JikoError('model/no-samples', 'There is nothing to calibrate on; give some samples.')
  const ends = new Map<string, [number, number]>()
  const histograms = new Map<string, Histogram>()
  const sums = new Map<string, Float64Array>()
  const { length } = studied(samples)
  await withModel(open, withOutputs(graph, names), async (runner) => {
    const run = async (list: Samples, i: number): Promise<Tensors> => {
      signal?.throwIfAborted()
      const inputs = await list.at(i)
      return { ...inputs, ...(await runner.run(inputs)) }
    }
    for (let i = 0; i < samples.length; i++) {
      const seen = await run(samples, i)
      for (const name of names) {
        const tensor = seen[name]
        if (tensor?.type === 'float32') ends.set(name, widen(name, ends.get(name), tensor.data))
      }
      onProgress?.(i + 1, samples.length + length)
    }
    for (let i = 0; i < length; i++) {
      const seen = await run(studied(samples), i)
      for (const name of names) {
        const tensor = seen[name]
        if (tensor?.type !== 'float32') continue
        const histogram = histograms.get(name) ?? createHistogram(ends.get(name) ?? [0, 0])
        count(histogram, tensor.data)
        histograms.set(name, histogram)
        sums.set(name, addMeans(tensor, sums.get(name)))
      }
      onProgress?.(samples.length + i + 1, samples.length + length)
    }
  })
  const tensors = new Map(
    [...histograms].map(([name, histogram]) => [
      name,
      { histogram, means: (sums.get(name) ?? new Float64Array()).map((sum) => sum / length) },
    ]),
  )
  return { samples: samples.length, tensors }
}

function widen(
  name: string,
  [min, max]: [number, number] = [Infinity, -Infinity],
  data: Float32Array,
): [number, number] {
  let finite = 0
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number
    // Stays 0 as long as all are finite: a test of each would take longer than the net.
    finite += value * 0
    if (value < min) min = value
    if (value > max) max = value
  }
  if (Number.isNaN(finite)) {
    throw new JikoError(
      'model/not-finite',
      `The float model gives ${data.find((value) => !Number.isFinite(value))} in "${name}" on a sample; it cannot be quantised.`,
    )
  }
  return [min, max]
}

export function rangesFrom({ tensors }: Statistics, method: Method): Ranges {
  const range = (histogram: Histogram): Range => {
    if (method === 'percentile') return percentileRange(histogram, PERCENTILE)
    if (method === 'mse') return leastErrorRange(histogram)
    if (method === 'entropy') return entropyRange(histogram)
    return [histogram.min, histogram.max]
  }
  return new Map([...tensors].map(([name, { histogram }]) => [name, range(histogram)]))
}

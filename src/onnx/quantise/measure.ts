import type { Tensors } from '../../protocol/tensor.ts'
import { type OpenModel, withModel } from '../engine.ts'
import type { Graph } from '../graph.ts'
import { writeModel } from '../write.ts'
import type { Samples } from './calibrate.ts'

/** Samples to measure on, and whether what comes out is right, where somebody knows. */
export interface JudgedSamples extends Samples {
  right?(index: number, outputs: Tensors): boolean
}

/** How far another graph's answers lie from the float ones. */
export interface Loss {
  /** Squared error of the answers relative to the answers themselves. */
  readonly error: number
  /** What it costs, in hundredths: points of accuracy where it is known what is right, else of cosine similarity. */
  readonly lost: number
}

export type Measure = (candidate: Graph) => Promise<Loss>

/** Samples that candidates are compared on: enough to tell them apart, few enough to wait for. */
export const COMPARED = 48

/** Samples that single nodes are measured on, of which there are many: enough to tell which of them matters more. */
export const GLANCED = 12

/** The answers of a few samples, whatever is right, compared with the float ones. */
export const createGlance = (
  graph: Graph,
  { length, at }: Samples,
  operation: { open: OpenModel; signal?: AbortSignal },
): Promise<Measure> => createMeasure(graph, { length, at }, { ...operation, most: GLANCED })

/** Runs the float graph once; each candidate is then run on the same samples. */
export async function createMeasure(
  graph: Graph,
  samples: JudgedSamples,
  { open, signal, most = COMPARED }: { open: OpenModel; signal?: AbortSignal; most?: number },
): Promise<Measure> {
  const { right } = samples
  // One of a few dozen answers is worth points: where they are judged, all of them are.
  const count = right ? samples.length : Math.min(most, samples.length)
  const index = (i: number): number => Math.floor((i * samples.length) / count)
  const answers = (model: Graph): Promise<Tensors[]> =>
    withModel(open, writeModel(model.model), async (runner) => {
      const all: Tensors[] = []
      for (let i = 0; i < count; i++) {
        signal?.throwIfAborted()
        all.push(await runner.run(await samples.at(index(i))))
      }
      return all
    })
  const accuracy = (list: readonly Tensors[]): number =>
    list.filter((outputs, i) => right?.(index(i), outputs)).length / Math.max(1, count)
  const wanted = await answers(graph)
  return async (candidate) => {
    const got = await answers(candidate)
    const { error, cosine } = compare(wanted, got)
    return { error, lost: 100 * (right ? accuracy(wanted) - accuracy(got) : 1 - cosine) }
  }
}

/** Over all outputs of all samples, as one long vector. */
function compare(wanted: readonly Tensors[], got: readonly Tensors[]): { error: number; cosine: number } {
  let [error, power, other, dot] = [0, 0, 0, 0]
  wanted.forEach((outputs, i) => {
    for (const [name, { data }] of Object.entries(outputs)) {
      const theirs = got[i]?.[name]?.data
      for (let k = 0; k < data.length; k++) {
        const [x, y] = [Number(data[k]), Number(theirs?.[k])]
        error += (x - y) ** 2
        power += x * x
        other += y * y
        dot += x * y
      }
    }
  })
  return { error: error / Math.max(power, 1e-30), cosine: dot / Math.max(Math.sqrt(power * other), 1e-30) }
}

import { type Bytes, fromBase64Url, toBase64Url } from '../../lib/bytes.ts'
import { JikoError } from '../../protocol/error.ts'
import type { Label } from '../../protocol/manifest.ts'
import type { ClassesAnswer } from '../../protocol/task.ts'
import type { Head, TaughtPack } from '../../protocol/taught.ts'
import { softmax } from '../scores.ts'
import { dot, squaredDistance, unit, type Vector } from './vectors.ts'

/** What was learnt, ready to judge. Rows are in the order of the labels. */
export interface Learnt {
  readonly scale: number
  readonly prototypes: readonly Float64Array[]
  readonly regression?: { readonly weights: readonly Float64Array[]; readonly bias: readonly number[] }
  readonly reach: number
}

/** Scores of each class before they are probabilities, and the squared distances to the prototypes. */
export function judge(
  vector: Float64Array,
  { prototypes, regression }: Pick<Learnt, 'prototypes' | 'regression'>,
): { scores: number[]; distances: number[] } {
  const distances = prototypes.map((prototype) => squaredDistance(vector, prototype))
  const scores = regression
    ? regression.weights.map((row, k) => dot(vector, row) + (regression.bias[k] as number))
    : distances.map((distance) => -distance / 2)
  return { scores, distances }
}

/** Whether something lies near enough to a class that was taught; "none of these" is no such class. */
export const isWithin = (distances: readonly number[], none: readonly boolean[], reach: number): boolean =>
  distances.some((distance, k) => !none[k] && distance <= reach)

const table = (rows: readonly Float64Array[]): string =>
  toBase64Url(bytesOf(Float32Array.from(rows.flatMap((row) => Array.from(row)))))

function bytesOf(values: Float32Array): Bytes {
  const view = new DataView(new ArrayBuffer(values.length * 4))
  for (const [i, value] of values.entries()) view.setFloat32(i * 4, value, true)
  return new Uint8Array(view.buffer)
}

function rowsOf(text: string, size: number): Float64Array[] {
  const bytes = fromBase64Url(text)
  const view = new DataView(bytes.buffer)
  const rows = Array.from({ length: bytes.length / 4 / size }, (_, k) =>
    Float64Array.from({ length: size }, (_, i) => view.getFloat32((k * size + i) * 4, true)),
  )
  if (rows.every((row) => row.every(Number.isFinite))) return rows
  throw new JikoError('teach/bad-pack', 'what was learnt is not made of finite numbers: the file is damaged')
}

/** As it travels: float32, which loses nothing that an answer would show. */
export function packHead({ scale, prototypes, regression, reach }: Learnt): Head {
  return {
    size: prototypes[0]?.length ?? 0,
    scale,
    prototypes: table(prototypes),
    ...(regression && { regression: { weights: table(regression.weights), bias: [...regression.bias] } }),
    reach,
  }
}

/** @throws JikoError `teach/bad-pack` for numbers that are not finite */
export function unpackHead({ size, scale, prototypes, regression, reach }: Head): Learnt {
  return {
    scale,
    prototypes: rowsOf(prototypes, size),
    ...(regression && { regression: { weights: rowsOf(regression.weights, size), bias: regression.bias } }),
    reach,
  }
}

/**
 * Names what a vector is of.
 * @throws JikoError `teach/other-size` when it comes from another model, `teach/bad-vector`
 */
export function answerTaught(
  vector: Vector,
  learnt: Learnt,
  { labels, decision }: { labels: readonly Label[]; decision: TaughtPack['decision'] },
): ClassesAnswer {
  const size = learnt.prototypes[0]?.length
  if (vector.length !== size) {
    throw new JikoError('teach/other-size', `the model gives ${vector.length} numbers, what was taught has ${size}`)
  }
  const scaled = unit(vector).map((value) => value * learnt.scale)
  const { scores, distances } = judge(scaled, learnt)
  const shares = softmax(scores, decision.temperature)
  const ranked = labels
    .map(({ id, none }, k) => ({ label: id, score: shares[k] as number, none }))
    .sort((a, b) => b.score - a.score)
  const best = ranked[0] as (typeof ranked)[number]
  const known =
    !best.none &&
    isWithin(
      distances,
      labels.map(({ none }) => none === true),
      learnt.reach,
    )
  return {
    kind: 'classes',
    label: best.label,
    score: best.score,
    known,
    sure: known && best.score >= decision.threshold,
    scores: ranked.map(({ label, score }) => ({ label, score })),
  }
}

import { JikoError } from '../../protocol/error.ts'
import type { Estimate, TaughtPack } from '../../protocol/taught.ts'
import { FEWEST_EXAMPLES, MOST_CLASSES, MOST_EXAMPLES } from '../../protocol/taught.ts'
import { softmax } from '../scores.ts'
import { isWithin, judge, type Learnt } from './head.ts'
import { combine, fitRegression, gramOf } from './regression.ts'
import { dot, meanOf, squaredDistance, unit, type Vector } from './vectors.ts'

/** A class with the vectors of its examples. */
export interface TaughtClass {
  readonly id: string
  readonly none?: boolean
  readonly vectors: readonly Vector[]
}

export interface Trained {
  readonly learnt: Learnt
  readonly method: 'prototypes' | 'regression'
  readonly decision: TaughtPack['decision']
  readonly estimate: Estimate
}

/** More examples are left out several at a time, in so many groups: each class loses at most one at a time. */
const MOST_GROUPS = 30
/** What lies so much further (squared) than any example did while it was left out is none of these. */
const MARGIN = 1.25
const TEMPERATURES = Array.from({ length: 19 }, (_, i) => 2 ** ((i - 13) / 2))
const THRESHOLDS = [0.5, 0.6, 0.7, 0.8, 0.9]
/** Of those answers that are called sure, so many must have been right. */
const SURE = 0.9

/** An example, judged by what the others taught. */
interface LeftOut {
  truth: number
  scores: readonly number[]
  distances: readonly number[]
}

/** @throws JikoError `teach/one-class`, `teach/few-examples`, `teach/too-many`, `teach/other-size` */
function check(classes: readonly TaughtClass[]): void {
  if (classes.length < 2 || classes.every(({ none }) => none)) {
    throw new JikoError('teach/one-class', `there are two classes at least to tell apart; got ${classes.length}`)
  }
  if (classes.length > MOST_CLASSES || classes.some(({ vectors }) => vectors.length > MOST_EXAMPLES)) {
    throw new JikoError('teach/too-many', `at most ${MOST_CLASSES} classes of ${MOST_EXAMPLES} examples can be taught`)
  }
  const poor = classes.find(({ vectors }) => vectors.length < FEWEST_EXAMPLES)
  if (poor) {
    throw new JikoError(
      'teach/few-examples',
      `"${poor.id}" has ${poor.vectors.length} examples; each class needs ${FEWEST_EXAMPLES}`,
      { detail: { class: poor.id, got: poor.vectors.length, fewest: FEWEST_EXAMPLES } },
    )
  }
  const sizes = new Set(classes.flatMap(({ vectors }) => vectors.map((vector) => vector.length)))
  if (sizes.size > 1) {
    throw new JikoError(
      'teach/other-size',
      `examples have ${[...sizes].join(' and ')} numbers: some are of another version of the pack; look at them again`,
    )
  }
}

/**
 * Learns to tell classes apart from few examples of each: prototypes and logistic regression, the better by what they
 * say of each example while it is left out. The same examples give the same numbers everywhere.
 * @throws JikoError `teach/...` saying what is missing
 */
export function train(classes: readonly TaughtClass[]): Trained {
  check(classes)
  const none = classes.map((one) => one.none === true)
  const truths = classes.flatMap(({ vectors }, k) => vectors.map(() => k))
  const units = classes.flatMap(({ vectors }) => vectors.map(unit))
  const size = units[0]?.length ?? 0
  // Neither looks at what the examples are called: the left out may be among them.
  const middle = meanOf(units, size)
  const spread = Math.sqrt(units.reduce((sum, one) => sum + squaredDistance(one, middle), 0) / units.length)
  const scale = 1 / Math.max(spread, 1e-6)
  const all = units.map((one) => one.map((value) => value * scale))
  const shift = middle.map((value) => value * scale)
  const centred = all.map((one) => one.map((value, i) => value - (shift[i] as number)))
  const gram = gramOf(centred)
  const indexes = truths.map((_, i) => i)
  const prototypesOf = (members: readonly number[]): Float64Array[] =>
    classes.map((_, k) =>
      meanOf(
        members.filter((i) => truths[i] === k).map((i) => all[i] as Float64Array),
        size,
      ),
    )

  const groups = Math.min(all.length, MOST_GROUPS)
  const byPrototypes: LeftOut[] = []
  const byRegression: LeftOut[] = []
  for (let group = 0; group < groups; group++) {
    const members = indexes.filter((i) => i % groups !== group)
    const prototypes = prototypesOf(members)
    const parts = fitRegression(gram, members, truths, classes.length)
    for (const i of indexes.filter((one) => one % groups === group)) {
      const truth = truths[i] as number
      const judged = judge(all[i] as Float64Array, { prototypes })
      byPrototypes.push({ truth, ...judged })
      const products = members.map((member) => gram[i]?.[member] as number)
      byRegression.push({ ...judged, truth, scores: Array.from(combine(products, parts, classes.length)) })
    }
  }

  const reach = reachOf(byPrototypes, none)
  const rightBy = (outcomes: readonly LeftOut[]): number => outcomes.filter((one) => isRight(one, none, reach)).length
  const method = rightBy(byRegression) > rightBy(byPrototypes) ? 'regression' : 'prototypes'
  const outcomes = method === 'regression' ? byRegression : byPrototypes
  const prototypes = prototypesOf(indexes)
  const regression =
    method === 'regression' && weightsOf(fitRegression(gram, indexes, truths, classes.length), centred, shift)
  return {
    method,
    learnt: { scale, prototypes, ...(regression && { regression }), reach },
    decision: decisionOf(outcomes),
    estimate: {
      right: rightBy(outcomes),
      of: outcomes.length,
      classes: classes.map(({ id }, k) => {
        const own = outcomes.filter(({ truth }) => truth === k)
        return { label: id, right: rightBy(own), of: own.length }
      }),
    },
  }
}

const bestOf = (scores: readonly number[]): number => scores.indexOf(Math.max(...scores))

/** As a person would judge it: the right name, or rightly "none of these". */
function isRight({ truth, scores, distances }: LeftOut, none: readonly boolean[], reach: number): boolean {
  const best = bestOf(scores)
  const known = !none[best] && isWithin(distances, none, reach)
  return none[truth] ? !known : known && best === truth
}

/** As far as a known example was, while it was left out, from the nearest class that was taught; and a little further. */
function reachOf(outcomes: readonly LeftOut[], none: readonly boolean[]): number {
  const known = outcomes.filter(({ truth }) => !none[truth])
  const nearest = known.map(({ distances }) => Math.min(...distances.filter((_, k) => !none[k])))
  return MARGIN * Math.max(...nearest)
}

/** Of each class a sum of examples, written out as weights over vectors that are not centred. */
function weightsOf(parts: Float64Array, centred: readonly Float64Array[], shift: Float64Array) {
  const count = parts.length / centred.length
  const weights = Array.from({ length: count }, () => new Float64Array(shift.length))
  const bias = new Array<number>(count).fill(0)
  for (const [i, example] of centred.entries()) {
    for (const [k, row] of weights.entries()) {
      const part = parts[i * count + k] as number
      bias[k] = (bias[k] as number) + part
      for (let at = 0; at < row.length; at++) row[at] = (row[at] as number) + part * (example[at] as number)
    }
  }
  return { weights, bias: bias.map((value, k) => value - dot(weights[k] as Float64Array, shift)) }
}

/**
 * How bold scores may be. Few examples that were all right prove no certainty: as if there were two more, one of them
 * wrong (Laplace's rule).
 */
function decisionOf(outcomes: readonly LeftOut[]): Trained['decision'] {
  const doubt = 1 / (outcomes.length + 2)
  const loss = (temperature: number): number =>
    outcomes.reduce((sum, { truth, scores }) => {
      const shares = softmax(scores, temperature)
      const others = doubt / (shares.length - 1)
      return shares.reduce((part, share, k) => part - (k === truth ? 1 - doubt : others) * Math.log(share + 1e-12), sum)
    }, 0)
  const temperature = TEMPERATURES.reduce((best, one) => (loss(one) < loss(best) ? one : best))
  const judged = outcomes.map(({ truth, scores }) => {
    const best = bestOf(scores)
    return { score: softmax(scores, temperature)[best] as number, right: best === truth }
  })
  const threshold = THRESHOLDS.find((least) => {
    const sure = judged.filter(({ score }) => score >= least)
    return sure.filter(({ right }) => right).length >= SURE * sure.length
  })
  return { temperature, threshold: threshold ?? THRESHOLDS.at(-1) ?? 1 }
}

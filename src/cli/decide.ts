import type { Decision } from '../protocol/manifest.ts'
import { logSumExp, softmax } from '../tasks/scores.ts'

/** What the shipped program gave for a sample, and which of the outputs should have been the largest. */
export interface Judged {
  readonly logits: readonly number[]
  readonly truth: number
}

/** A decision, and what it means on the samples that it was made on. Shares are 0-1. */
export interface Decided {
  readonly decision: Decision
  /** Mean of -ln(probability of the truth), before (temperature 1) and after. */
  readonly loss: { readonly before: number; readonly after: number }
  readonly sure: { readonly share: number; readonly accuracy: number | null }
}

/**
 * Temperature by the least mean loss, then the lowest threshold above which at least `right` of the answers are right;
 * with `keep`, the energy that this share of the samples reaches.
 */
export function decide(samples: readonly Judged[], { right, keep }: { right: number; keep?: number }): Decided {
  const temperature = Number(leastLoss(samples).toPrecision(3))
  const answers = samples.map(({ logits, truth }) => {
    const scores = softmax([...logits], temperature)
    const score = Math.max(...scores)
    return { score, right: scores.indexOf(score) === truth }
  })
  const threshold = thresholdFor(answers, right)
  const above = answers.filter(({ score }) => score >= threshold)
  const energies = samples.map(({ logits }) => logSumExp([...logits], temperature)).sort((a, b) => a - b)
  const energy = keep === undefined ? undefined : energies[Math.floor((1 - keep) * energies.length)]
  return {
    decision: { temperature, threshold, ...(energy !== undefined && { energy: Number(energy.toPrecision(4)) }) },
    loss: { before: meanLoss(samples, 1), after: meanLoss(samples, temperature) },
    sure: {
      share: above.length / samples.length,
      accuracy: above.length === 0 ? null : above.filter((one) => one.right).length / above.length,
    },
  }
}

const meanLoss = (samples: readonly Judged[], temperature: number): number =>
  samples.reduce(
    (sum, { logits, truth }) => sum + logSumExp([...logits], temperature) - (logits[truth] ?? 0) / temperature,
    0,
  ) / samples.length

const GOLDEN = (Math.sqrt(5) - 1) / 2

/** The loss has one valley over the logarithm of the temperature: golden section, from 0.05 to 20. */
function leastLoss(samples: readonly Judged[]): number {
  const loss = (x: number): number => meanLoss(samples, Math.exp(x))
  let [low, high] = [Math.log(0.05), Math.log(20)]
  for (let i = 0; i < 40; i++) {
    const [a, b] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
    if (loss(a) < loss(b)) high = b
    else low = a
  }
  return Math.exp((low + high) / 2)
}

function thresholdFor(answers: readonly { score: number; right: boolean }[], wanted: number): number {
  const sorted = [...answers].sort((a, b) => b.score - a.score)
  let [good, threshold] = [0, 1]
  for (const [i, { score, right }] of sorted.entries()) {
    good += right ? 1 : 0
    // Equal scores stand or fall together.
    if (sorted[i + 1]?.score === score) continue
    if (good / (i + 1) >= wanted) threshold = score
  }
  return Math.floor(threshold * 10_000) / 10_000
}

import type { Plan, PlanStep } from '../../protocol/plan.ts'
import { OPERATIONS, type OperationKind } from '../../protocol/plan-operations.ts'

export interface DescribedStep {
  readonly kind: OperationKind
  readonly name: string
  /** Steps of the kernel's inner loops, about one multiply-add each. */
  readonly work: number
  /** Of the weights that it reads. */
  readonly weightsBytes: number
}

export interface PlanReport {
  /** Those that run for each inference. */
  readonly steps: readonly DescribedStep[]
  /** Those that run when a session begins. */
  readonly once: readonly DescribedStep[]
  readonly planBytes: number
  readonly weightsBytes: number
  readonly arenaBytes: number
  /** What a session of this plan needs. */
  readonly memoryBytes: number
  /** Sum of `work` over all steps. */
  readonly work: number
}

const nothing = (): void => undefined

function describeStep({ kind, name, args }: PlanStep, weightsEnd: number): DescribedStep {
  let weightsBytes = 0
  const count = (address: number, bytes: number): void => {
    if (address < weightsEnd) weightsBytes += bytes
  }
  const claims = { read: nothing, write: nothing, scratch: nothing, require: nothing, weights: count, readAny: count }
  return { kind, name, work: OPERATIONS[kind].check(claims, ...args), weightsBytes }
}

/** What a checked plan does, step by step, and what it needs. */
export function describePlan(plan: Plan, planBytes: number): PlanReport {
  const weightsBytes = plan.weights.length
  const all = plan.steps.map((step) => describeStep(step, weightsBytes))
  const steps = all.slice(plan.once)
  return {
    steps,
    once: all.slice(0, plan.once),
    planBytes,
    weightsBytes,
    arenaBytes: plan.memoryBytes - weightsBytes - plan.scratchBytes,
    memoryBytes: plan.memoryBytes,
    work: steps.reduce((sum, { work }) => sum + work, 0),
  }
}

import type { Bytes } from '../../lib/bytes.ts'
import { elementCount } from '../../protocol/dims.ts'
import { arenaAt, type Plan, type PlanStep, scratchAt } from '../../protocol/plan.ts'
import { ARGUMENTS, type ArgumentName } from '../../protocol/plan-arguments.ts'
import { type OperationKind, roundUp } from '../../protocol/plan-operations.ts'
import type { TensorType } from '../../protocol/tensor.ts'
import { placeBuffers } from './arena.ts'

/** A piece of the arena that holds one value while it is needed. */
export interface Buffer {
  readonly bytes: number
  first: number
  last: number
}

/** An address that is known only when everything is placed. */
export interface Address {
  readonly buffer: Buffer
  readonly offset: number
}

/** Room behind each buffer: kernels may read up to 7 bytes past a window, and write up to three reals too many. */
const SLACK = 16

/** Where a value lies: in the arena, or among the weights. */
export type Place = Buffer | number

export type Argument = number | Buffer | Address | 'scratch'

interface PendingStep {
  kind: OperationKind
  name: string
  args: Record<string, Argument>
}

interface PendingTensor {
  name: string
  type: TensorType
  dims: readonly number[]
  buffer: Buffer
}

/** Collects steps, weights and buffers; addresses are given out at the end. */
export function createProgram() {
  const steps: PendingStep[] = []
  const once: PendingStep[] = []
  const kept = new Map<string, number>()
  const buffers: Buffer[] = []
  const weights: { at: number; bytes: Bytes }[] = []
  const inputs: PendingTensor[] = []
  const outputs: PendingTensor[] = []
  let weightsBytes = 0
  let scratchBytes = 0
  let weightLimit = 0

  function use(argument: Argument): void {
    if (typeof argument === 'number' || argument === 'scratch') return
    const buffer = 'buffer' in argument ? argument.buffer : argument
    buffer.last = Math.max(buffer.last, steps.length)
  }

  return {
    /** A new buffer, alive from the step that comes next. */
    buffer(bytes: number): Buffer {
      const buffer = { bytes: roundUp(bytes + SLACK, 16), first: steps.length, last: steps.length }
      buffers.push(buffer)
      return buffer
    },
    /** A buffer that is filled when a session begins, and stays as it is. */
    lasting(bytes: number): Buffer {
      const buffer = this.buffer(bytes)
      buffer.first = -1
      buffer.last = Number.POSITIVE_INFINITY
      return buffer
    },
    emit<K extends OperationKind>(kind: K, name: string, args: Record<ArgumentName<K>, Argument>): void {
      Object.values<Argument>(args).forEach(use)
      steps.push({ kind, name, args })
    },
    /** A step for the beginning of a session; it reads weights and writes lasting buffers. */
    emitOnce<K extends OperationKind>(kind: K, name: string, args: Record<ArgumentName<K>, Argument>): void {
      once.push({ kind, name, args })
    },
    /** Keeps bytes for the kernels to read; returns their address. */
    weights(bytes: Bytes): number {
      // Small ones (scales, bounds, zeros) come again and again.
      const key = bytes.length <= 64 ? bytes.join() : ''
      const known = kept.get(key)
      if (key && known !== undefined) return known
      const at = weightsBytes
      if (key) kept.set(key, at)
      weights.push({ at, bytes })
      weightsBytes = roundUp(at + bytes.length, 16)
      return at
    },
    scratch(bytes: number): void {
      scratchBytes = Math.max(scratchBytes, bytes)
    },
    /** Says how large weights of the products kernels are, which decides which of them may be used. */
    weightLimit(limit: number): void {
      weightLimit = Math.max(weightLimit, limit)
    },
    input(name: string, dims: readonly number[], type: TensorType = 'float32'): Buffer {
      const buffer = this.buffer(4 * elementCount(dims))
      buffer.first = -1
      inputs.push({ name, type, dims, buffer })
      return buffer
    },
    output(name: string, dims: readonly number[], buffer: Buffer, type: TensorType = 'float32'): void {
      buffer.last = Number.POSITIVE_INFINITY
      outputs.push({ name, type, dims, buffer })
    },
    finish(): Plan {
      const arena = placeBuffers(buffers)
      const base = arenaAt(weightsBytes, scratchBytes)
      const resolve = (argument: Argument): number => {
        if (typeof argument === 'number') return argument
        if (argument === 'scratch') return scratchAt(weightsBytes)
        const [buffer, offset] = 'buffer' in argument ? [argument.buffer, argument.offset] : [argument, 0]
        return base + (arena.addresses.get(buffer) ?? 0) + offset
      }
      const all = new Uint8Array(weightsBytes)
      for (const { at, bytes } of weights) all.set(bytes, at)
      const tensor = ({ name, type, dims, buffer }: PendingTensor) => ({ name, type, dims, address: resolve(buffer) })
      return {
        memoryBytes: base + arena.bytes,
        scratchBytes,
        weightLimit,
        inputs: inputs.map(tensor),
        outputs: outputs.map(tensor),
        once: once.length,
        steps: [...once, ...steps].map(({ kind, name, args }): PlanStep => {
          const values = ARGUMENTS[kind].map((arg) => {
            const value = args[arg]
            if (value === undefined) throw new Error(`lowering forgot "${arg}" of ${kind} for ${name}`)
            return resolve(value)
          })
          return { kind, name, args: values }
        }),
        weights: all,
      }
    },
  }
}
export type Program = ReturnType<typeof createProgram>

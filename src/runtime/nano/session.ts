import { elementCount } from '../../protocol/dims.ts'
import { JikoError } from '../../protocol/error.ts'
import type { Plan, PlanStep, PlanTensor } from '../../protocol/plan.ts'
import { type OperationKind, roundUp } from '../../protocol/plan-operations.ts'
import type { Tensor, Tensors } from '../../protocol/tensor.ts'
import type { Session } from '../backend.ts'
import { instantiate, type Kernel, type KernelFunctions } from './load-kernels.ts'

const PAGE = 65_536
/** Integers beyond this are not exact as f32, which is what every value is inside. */
const MOST = 2 ** 24

/** Which argument of the products kernels is their scratch: they get one of their own, behind all that the plan knows of. */
const SCRATCH: Partial<Record<OperationKind, number>> = { multiply: 6, convolve: 15 }
/** Sums and a batch of rows, packed, beside the weights of 8 columns in int16; see `kernels/products.ts`. */
const ROOM = 131_072 + 1024

/** The int8 products' weights are stored once and read in the chosen kernels' own order. */
function repackWeights(steps: readonly PlanStep[], { repack }: KernelFunctions): void {
  const done = new Set<number>()
  for (const { kind, args } of steps) {
    const [weights = 0, depth = 0, columns = 0] = args
    if (!SCRATCH[kind] || done.has(weights)) continue
    repack?.(weights, depth, columns)
    done.add(weights)
  }
}

/** Puts an input where the plan wants it. @throws JikoError `runtime/bad-input` */
function fill(memory: WebAssembly.Memory, input: PlanTensor, tensor: Tensor | undefined): void {
  const { name, type, dims } = input
  const bad = (got: string): JikoError =>
    new JikoError(
      'runtime/bad-input',
      `the model's input "${name}" must be ${type} [${dims.join(', ')}], it got ${got}`,
    )
  if (tensor?.type !== type || tensor.dims.join() !== dims.join() || tensor.data.length !== elementCount(dims))
    throw bad(tensor ? `${tensor.type} [${tensor.dims.join(', ')}] with ${tensor.data.length} values` : 'nothing')
  const values = tensor.type === 'float32' ? tensor.data : Float32Array.from(tensor.data as ArrayLike<number>, Number)
  if (tensor.type !== 'float32' && values.some((value) => Math.abs(value) > MOST)) throw bad(`an integer above ${MOST}`)
  view(memory, input).set(values)
}

function take(memory: WebAssembly.Memory, output: PlanTensor): Tensor {
  const { type, dims } = output
  const values = view(memory, output)
  if (type === 'float32') return { type, dims, data: values.slice() }
  if (type === 'int8') return { type, dims, data: Int8Array.from(values) }
  if (type === 'int32') return { type, dims, data: Int32Array.from(values) }
  if (type === 'int64')
    return { type, dims, data: BigInt64Array.from([...values], (value) => BigInt(Math.trunc(value))) }
  return { type, dims, data: Uint8Array.from(values) }
}

/** Bytes of memory that a plan takes when it runs: itself and what its kernels need besides, in whole pages. */
export function sessionBytes({ memoryBytes, steps }: Plan): number {
  const depths = steps.map(({ kind, args: [, depth = 0] }) => (SCRATCH[kind] ? depth : 0))
  return roundUp(memoryBytes + ROOM + 24 * Math.max(0, ...depths), PAGE)
}

/**
 * A checked plan in a memory of its own, ready to run. Inputs and outputs are as in the model's graph.
 * @throws JikoError `runtime/out-of-memory`
 */
export async function createNanoSession(plan: Plan, modules: readonly WebAssembly.Module[]): Promise<Session> {
  const scratch = roundUp(plan.memoryBytes, 16)
  const pages = sessionBytes(plan) / PAGE
  let memory: WebAssembly.Memory
  try {
    memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  } catch (cause) {
    throw new JikoError('runtime/out-of-memory', `the model needs ${plan.memoryBytes} bytes, which this device lacks`, {
      cause,
    })
  }
  const parts = await Promise.all(modules.map((module) => instantiate(module, memory)))
  const kernels: KernelFunctions = Object.assign({}, ...parts)
  new Uint8Array(memory.buffer).set(plan.weights)
  repackWeights(plan.steps, kernels)
  // Every build has every operation, which a test sees to.
  const all = plan.steps.map(({ kind, args }) =>
    (kernels[kind] as Kernel).bind(undefined, ...args.map((value, i) => (i === SCRATCH[kind] ? scratch : value))),
  )
  const perform = (calls: readonly (() => void)[]): void => {
    try {
      for (const call of calls) call()
    } catch (cause) {
      throw new JikoError('runtime/run-failed', `nano could not run the model: ${String(cause)}`, { cause })
    }
  }
  perform(all.splice(0, plan.once))
  let calls: readonly (() => void)[] | undefined = all

  // Only these outlive the start: the plan's own copy of the weights can go.
  const { inputs: wanted, outputs } = plan
  return {
    memory,
    async run(inputs) {
      if (!calls) throw new JikoError('runtime/run-failed', 'the session is closed')
      for (const input of wanted) fill(memory, input, inputs[input.name])
      perform(calls)
      return Object.fromEntries(outputs.map((output) => [output.name, take(memory, output)])) satisfies Tensors
    },
    async dispose() {
      calls = undefined
    },
  }
}

const view = (memory: WebAssembly.Memory, { address, dims }: PlanTensor): Float32Array<ArrayBuffer> =>
  new Float32Array(memory.buffer as ArrayBuffer, address, elementCount(dims))

import { JikoError } from '../../protocol/error.ts'
import { namedArgs, type Plan, type PlanTensor } from '../../protocol/plan.ts'
import { elementCount, float32, type Tensor, type Tensors } from '../../protocol/tensor.ts'
import type { Session } from '../backend.ts'
import { instantiate, type KernelFunctions } from './load-kernels.ts'

const PAGE = 65_536

/** The int8 products' weights are stored once and read in the chosen kernels' own order. */
function repackWeights(plan: Plan, { repack }: KernelFunctions): void {
  const done = new Set<number>()
  for (const step of plan.steps) {
    if (step.kind !== 'multiply' && step.kind !== 'convolve') continue
    const { weights = 0, depth = 0, columns = 0 } = namedArgs(step)
    if (!done.has(weights)) repack?.(weights, depth, columns)
    done.add(weights)
  }
}

function checkInput({ name, dims }: PlanTensor, tensor: Tensor | undefined): Float32Array {
  if (tensor?.type === 'float32' && tensor.dims.join() === dims.join() && tensor.data.length === elementCount(dims))
    return tensor.data
  const got = tensor ? `${tensor.type} [${tensor.dims.join(', ')}] with ${tensor.data.length} values` : 'nothing'
  throw new JikoError(
    'runtime/bad-input',
    `the model's input "${name}" must be float32 [${dims.join(', ')}], it got ${got}`,
  )
}

/**
 * A checked plan in a memory of its own, ready to run. Inputs and outputs are float32 as in the model's graph.
 * @throws JikoError `runtime/out-of-memory`
 */
export async function createNanoSession(plan: Plan, modules: readonly WebAssembly.Module[]): Promise<Session> {
  const pages = Math.ceil(plan.memoryBytes / PAGE)
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
  repackWeights(plan, kernels)
  let calls: readonly (() => void)[] | undefined = plan.steps.map(({ kind, args }) => {
    const kernel = kernels[kind]
    if (!kernel) throw new JikoError('runtime/bad-plan', `this engine's kernels have no "${kind}"`)
    return () => kernel(...args)
  })

  // Only these outlive the start: the plan's own copy of the weights can go.
  const { inputs: wanted, outputs } = plan
  return {
    async run(inputs) {
      if (!calls) throw new JikoError('runtime/run-failed', 'the session is closed')
      for (const input of wanted) view(memory, input).set(checkInput(input, inputs[input.name]))
      try {
        for (const call of calls) call()
      } catch (cause) {
        throw new JikoError('runtime/run-failed', `nano could not run the model: ${String(cause)}`, { cause })
      }
      return Object.fromEntries(
        outputs.map((output) => [output.name, float32(output.dims, view(memory, output).slice())]),
      ) satisfies Tensors
    },
    async dispose() {
      calls = undefined
    },
  }
}

const view = (memory: WebAssembly.Memory, { address, dims }: PlanTensor): Float32Array<ArrayBuffer> =>
  new Float32Array(memory.buffer as ArrayBuffer, address, elementCount(dims))

import type { Feeding } from '../protocol/manifest.ts'
import type { RunModel } from '../protocol/task.ts'
import { type Tensors, tensorOf } from '../protocol/tensor.ts'
import type { Session } from './backend.ts'

/** Inputs that never change. One number fills the tensor. */
export const constantTensors = (constants: Feeding['constants']): Tensors =>
  Object.fromEntries(
    Object.entries(constants ?? {}).map(([name, { type, dims, data }]) => [
      name,
      tensorOf(type, dims, (i) => (data.length === 1 ? (data[0] as number) : (data[i] ?? 0))),
    ]),
  )

/** What a model remembers before its first call: nothing. */
export const initialState = (state: Feeding['state']): Tensors =>
  Object.fromEntries(Object.entries(state ?? {}).map(([name, { type, dims }]) => [name, tensorOf(type, dims, () => 0)]))

/** Begins anew: constants are added to every call, and state is carried from call to call. */
export function startCalls(session: Pick<Session, 'run'>, { constants, state }: Feeding): RunModel {
  const fixed = constantTensors(constants)
  let carried = initialState(state)
  return async (inputs) => {
    const outputs = await session.run({ ...fixed, ...carried, ...inputs })
    const next = Object.entries(state ?? {}).map(([name, { output }]) => [name, outputs[output] ?? carried[name]])
    carried = Object.fromEntries(next) as Tensors
    return outputs
  }
}

import { JikoError } from '../protocol/error.ts'
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

/** @throws JikoError `runtime/no-reader`: nobody asks a pack for what its manifest does not say. */
export function readerIn({ reader }: Pick<Session, 'run' | 'reader'>): Pick<Session, 'run'> {
  if (reader) return reader
  throw new JikoError('runtime/no-reader', 'this session has no second graph to read with')
}

/** Begins anew: constants are added to every call, and state is carried from call to call. A second graph has neither. */
export function startCalls(session: Pick<Session, 'run' | 'reader'>, { constants, state }: Feeding): RunModel {
  const fixed = constantTensors(constants)
  let carried = initialState(state)
  return async (inputs, graph) => {
    if (graph === 'reader') return readerIn(session).run(inputs)
    const outputs = await session.run({ ...fixed, ...carried, ...inputs })
    const next = Object.entries(state ?? {}).map(([name, { output }]) => [name, outputs[output] ?? carried[name]])
    carried = Object.fromEntries(next) as Tensors
    return outputs
  }
}

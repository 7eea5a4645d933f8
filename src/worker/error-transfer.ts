import { transferHandlers } from 'comlink'
import { fromWire, toWire, type WireError } from '../protocol/error.ts'

/** Comlink's own handler copies name, message and stack; ours keeps code, detail and cause too. Called once on either side. */
export function carryErrors(): void {
  const original = transferHandlers.get('throw')
  if (!original) throw new Error('comlink has no "throw" handler to build on')
  transferHandlers.set('throw', {
    canHandle: original.canHandle,
    serialize: (thrown: unknown) => [toWire((thrown as { value: unknown }).value), []],
    deserialize: (wire: WireError) => {
      throw fromWire(wire)
    },
  })
}

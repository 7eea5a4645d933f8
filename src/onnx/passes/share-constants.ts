import type { Constant } from '../constant.ts'
import type { Pass } from './pass.ts'

/** Smaller ones cost little, and are left to whoever scales or corrects them. */
const LEAST_ELEMENTS = 256

const bytesOf = ({ data }: Constant): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

function equal(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return a.length === b.length
}

/** Equal weights are kept once: exporters write tied ones out twice. */
export const shareConstants: Pass = {
  name: 'equal weights once',
  run(graph) {
    const known = new Map<string, { name: string; bytes: Uint8Array }[]>()
    let count = 0
    for (const name of graph.constants) {
      const constant = graph.constant(name)
      if (!constant || constant.data.length < LEAST_ELEMENTS || graph.isOutput(name)) continue
      const bytes = bytesOf(constant)
      // Most differ at once: only those that begin alike are compared.
      const key = `${constant.type} ${constant.dims} ${bytes.subarray(0, 32)}`
      const alike = known.get(key) ?? []
      const same = alike.find((one) => equal(one.bytes, bytes))
      if (same) {
        graph.replaceUses(name, same.name)
        count++
      } else known.set(key, [...alike, { name, bytes }])
    }
    graph.dropUnusedConstants()
    return count
  },
}

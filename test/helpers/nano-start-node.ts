import { readFile } from 'node:fs/promises'
import { startNano } from './nano-start-run.ts'

/** `node --expose-gc nano-start-node.ts PLAN NAME DIMS`: the first session of a process, then another one beside it. */
const [path = '', name = '', dims = ''] = process.argv.slice(2)
const { gc } = globalThis as { gc?: () => void }
const held = async (): Promise<number> => {
  gc?.()
  // Resident: memory of WebAssembly and compiled code are in no other figure.
  return process.memoryUsage.rss()
}
const input = { name, dims: dims.split(',').map(Number) }
const before = await held()
const cold = await startNano(async () => new Uint8Array(await readFile(path)), input, held)
const warm = await startNano(async () => new Uint8Array(await readFile(path)), input)
console.log(JSON.stringify({ cold: { ...cold, heldBytes: cold.heldBytes - before }, warm }))

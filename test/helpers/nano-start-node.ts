import { readFile } from 'node:fs/promises'
import { startNano } from './nano-start-run.ts'

/** `node --expose-gc nano-start-node.ts PLAN NAME DIMS`: the first session of a process, then another one beside it. */
const [path = '', name = '', dims = ''] = process.argv.slice(2)
const { gc } = globalThis as { gc?: () => void }
const held = (): number => {
  gc?.()
  // Resident: memory of WebAssembly and compiled code are in no other figure.
  return process.memoryUsage.rss()
}
const start = () =>
  startNano(async () => new Uint8Array(await readFile(path)), { name, dims: dims.split(',').map(Number) })
const before = held()
const cold = await start()
const heldBytes = held() - before
const warm = await start()
for (const { session } of [cold, warm]) await session.dispose()
console.log(JSON.stringify({ cold: cold.times, warm: warm.times, heldBytes }))

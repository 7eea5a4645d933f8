import { existsSync, readFileSync } from 'node:fs'
import { parsePlan } from '../../src/protocol/plan.ts'
import { float32 } from '../../src/protocol/tensor.ts'
import { PRODUCTS, type Product } from '../../src/runtime/nano/choose-products.ts'
import { loadKernels } from '../../src/runtime/nano/load-kernels.ts'
import { createNanoSession } from '../../src/runtime/nano/session.ts'

/** `node emulated-run.js ENGINE FILE SIZE RUNS`: as often as asked, with a mark before each run. ENGINE is a build of nano's products, or `ort`. */
const [engine = '', file = '', size = '', runs = ''] = process.argv.slice(2)
const dims = [1, 3, Number(size), Number(size)]
const data = Float32Array.from({ length: 3 * Number(size) ** 2 }, (_, i) => Math.sin(i))
const bytes = new Uint8Array(readFileSync(file))

async function openNano(name: Product): Promise<() => Promise<ArrayLike<unknown>>> {
  const builds = await loadKernels()
  const modules = (['common', name] as const).map(
    (build) => new WebAssembly.Module(builds.get(build) ?? new Uint8Array()),
  )
  const plan = parsePlan(bytes)
  const session = await createNanoSession(plan, modules)
  const inputs = { [plan.inputs[0]?.name ?? '']: float32(dims, data) }
  return async () => Object.values(await session.run(inputs))[0]?.data ?? []
}

async function openOrt(): Promise<() => Promise<ArrayLike<unknown>>> {
  const ort = await import('onnxruntime-web/wasm')
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] })
  const feeds = { [session.inputNames[0] ?? '']: new ort.Tensor('float32', data, dims) }
  return async () => Object.values(await session.run(feeds))[0]?.data as ArrayLike<unknown>
}

const run = await (engine in PRODUCTS ? openNano(engine as Product) : openOrt())
let answer: ArrayLike<unknown> = []
for (let i = 0; i < Number(runs); i++) {
  existsSync('/jiko-mark')
  answer = await run()
}
existsSync('/jiko-mark')
console.log(JSON.stringify({ arch: process.arch, sum: Array.from(answer, Number).reduce((a, b) => a + b, 0) }))

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { BrowserContext } from 'playwright-core'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGraph } from '../../src/onnx/graph.ts'
import { lower } from '../../src/onnx/lower/lower.ts'
import { readModel } from '../../src/onnx/read.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { randomInputs, runNano } from '../helpers/compare-engines.ts'
import { architectures } from '../helpers/nano-models.ts'

const [model] = architectures().filter(({ name }) => name === 'ResNet8')
const graph = createGraph(readModel(model?.int8 ?? new Uint8Array()))
const { plan } = lower(graph)
const inputs = randomInputs(graph, 5)

/** No network beyond its own origin, no data: or blob: anything: only WebAssembly may be compiled. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'"

const WORKER = `
import { createNanoBackend } from '/nano.js'
self.onmessage = async ({ data }) => {
  try {
    const backend = createNanoBackend()
    const start = performance.now()
    const session = await backend.createSession({ engine: 'nano', plan: 'plan' }, async () => data.plan)
    const created = performance.now() - start
    const outputs = await session.run(data.inputs)
    self.postMessage({ name: backend.name, created, output: Object.values(outputs)[0].data })
  } catch (error) { self.postMessage({ error: String(error) }) }
}`

const PAGE = `
window.ask = (plan, inputs) => new Promise((resolve) => {
  const worker = new Worker('/worker.js', { type: 'module' })
  worker.onmessage = ({ data }) => resolve(data)
  worker.postMessage({ plan, inputs })
})`

let server: Server
let context: BrowserContext
let profile: string

beforeAll(async () => {
  const build = await rolldown({
    input: fileURLToPath(new URL('../../src/runtime/nano/nano.ts', import.meta.url)),
    platform: 'browser',
  })
  const { output } = await build.generate({ format: 'esm', minify: true })
  const files: Record<string, string> = { '/nano.js': output[0].code, '/worker.js': WORKER, '/page.js': PAGE }
  server = createServer((request, response) => {
    const script = files[request.url ?? '']
    response.setHeader('Content-Security-Policy', POLICY)
    response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html')
    response.end(script ?? '<!doctype html><title>nano</title><script src="/page.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ;({ context, profile } = await openProfile())
})

afterAll(async () => {
  await context?.close()
  await deleteProfile(profile)
  server?.close()
})

test('a worker under a strict policy runs a plan, and answers what Node answers', async () => {
  const page = await context.newPage()
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const [name = '', input] = Object.entries(inputs)[0] ?? []
  const answer = await page.evaluate(
    async ({ bytes, name, dims, data }) => {
      const ask = (window as unknown as { ask(plan: Uint8Array, inputs: object): Promise<object> }).ask
      const tensor = { type: 'float32', dims, data: Float32Array.from(data) }
      const got = (await ask(Uint8Array.from(bytes), { [name]: tensor })) as { output?: Float32Array }
      return { ...got, output: Array.from(got.output ?? []) }
    },
    { bytes: [...plan], name, dims: [...(input?.dims ?? [])], data: Array.from(input?.data ?? [], Number) },
  )
  expect(answer).not.toHaveProperty('error')
  expect(answer).toMatchObject({ name: expect.stringMatching(/^nano \d+ \((dot|mlal)\)$/) })
  const [expected] = Object.values(await runNano(plan, inputs))
  expect(answer.output).toEqual(Array.from(expected?.data ?? [], Number))
  expect(new Set(answer.output).size).toBeGreaterThan(3)
})

// What the peers bench runs in its page. Bundled with packages that are installed for the bench only, so not typed.
import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { createNanoBackend } from '../../src/runtime/nano/nano.ts'
import { tfjsNet } from './tfjs-net.js'

const fetchBytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer())

/** Engines that are there once a page: name to a function that makes a model's run. */
async function openEngines() {
  const ort = await import('/ort/ort.wasm.min.mjs')
  ort.env.wasm.numThreads = 1
  ort.env.wasm.wasmPaths = '/ort/'
  ort.env.logLevel = 'error'
  setWasmPaths('/tfjs/')
  await tf.setBackend('wasm')
  await loadLiteRt('/litert/')
  const onnx = async (path, x, size) => {
    const session = await ort.InferenceSession.create(await fetchBytes(path), { executionProviders: ['wasm'] })
    const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', x, [1, 3, size, size]) }
    const output = session.outputNames[0]
    return async () => (await session.run(feeds))[output].data
  }
  return {
    nano: async (path, { x, size, input }) => {
      const start = performance.now()
      const session = await createNanoBackend().createSession({ engine: 'nano', plan: 'plan' }, () =>
        fetchBytes(`${path}.nano`),
      )
      window.created = performance.now() - start
      const inputs = { [input]: { type: 'float32', dims: [1, 3, size, size], data: x } }
      return async () => Object.values(await session.run(inputs))[0].data
    },
    'ort int8': (path, { x, size }) => onnx(`${path}.int8.onnx`, x, size),
    'ort fp32': (path, { x, size }) => onnx(`${path}.float32.onnx`, x, size),
    'tfjs wasm': async (_, { x, size, layers }) => {
      const picture = tf.tensor(x, [1, size, size, 3])
      const net = tfjsNet(layers)
      return async () => {
        const y = tf.tidy(() => net(picture))
        const data = y.dataSync()
        y.dispose()
        return data
      }
    },
    LiteRT: async (path, { x, size }) => {
      const model = await loadAndCompile(`${path}.tflite`, { accelerator: 'wasm' })
      const picture = new Tensor(x, [1, size, size, 3])
      return async () => {
        const [y] = await model.run([picture])
        const data = await y.data()
        y.delete()
        return data
      }
    },
  }
}

let engines

/** Milliseconds of a run: for each engine its samples, taken in turns; each lasts some milliseconds, as clocks are coarse. */
window.measure = async (path, net, rounds) => {
  engines ??= await openEngines()
  const x = Float32Array.from({ length: 3 * net.size * net.size }, (_, i) => Math.sin(i))
  const runs = {}
  const problems = {}
  for (const [name, open] of Object.entries(engines)) {
    try {
      const run = await open(path, { ...net, x })
      const answer = await run()
      if (!answer.every(Number.isFinite)) throw new Error('its answer is not finite')
      const start = performance.now()
      for (let i = 0; i < 200 && (i < 10 || performance.now() - start < 500); i++) await run()
      runs[name] = run
    } catch (error) {
      problems[name] = String(error)
    }
  }
  const samples = Object.fromEntries(Object.keys(runs).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(runs)) {
      const start = performance.now()
      let count = 0
      do {
        await run()
        count++
      } while (performance.now() - start < 4)
      samples[name].push((performance.now() - start) / count)
    }
  }
  return { samples, problems, created: window.created }
}

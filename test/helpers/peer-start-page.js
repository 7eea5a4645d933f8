// A page with nothing but a peer and a model, as a developer would write it. Bundled with packages that are installed for the bench only, so not typed.
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { tfjsNet } from './tfjs-net.js'

const fetched = async (path) => {
  const response = await fetch(path)
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response
}

/** Resolves with the milliseconds from opening the page to its first answer, about a photo; nothing is kept of it. */
async function start() {
  setWasmPaths('/tfjs/')
  const ready = tf.setBackend('wasm')
  const [{ size, layers }, numbers, photo] = await Promise.all([
    fetched('/net.json').then((response) => response.json()),
    fetched('/weights.bin').then(async (response) => new Float32Array(await response.arrayBuffer())),
    fetched('/photo.jpg').then((response) => response.blob()),
  ])
  const picture = await createImageBitmap(photo, { resizeWidth: size, resizeHeight: size })
  await ready
  let at = 0
  const net = tfjsNet(layers, (shape) => {
    const count = shape.reduce((a, b) => a * b)
    at += count
    return tf.tensor(numbers.subarray(at - count, at), shape)
  })
  const answer = net(tf.expandDims(tf.div(tf.browser.fromPixels(picture), 255))).dataSync()
  if (!answer.every(Number.isFinite)) throw new Error('its answer is not finite')
  return performance.now()
}

// Whoever measures listens from before the first script.
window.answered(start())

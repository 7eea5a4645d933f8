// Bundled with a package that is installed for the bench only, so not typed.
import * as tf from '@tensorflow/tfjs-core'

const random = (shape, spread) => tf.tidy(() => tf.randomUniform(shape, -spread, spread).clone())

/** A net of `nano-models.ts`, fused as tfjs fuses layers. @param weights gives the numbers of a shape, within a spread; at random when it is left out */
export function tfjsNet(layers, weights = random) {
  const steps = layers.map((layer) => {
    if (layer.op === 'add') return (v) => (layer.relu ? tf.relu : (y) => y)(tf.add(v[layer.from], v[layer.other]))
    if (layer.op === 'finish') {
      const [w, b] = [weights([layer.channels, layer.classes], 0.1), weights([layer.classes], 0.1)]
      return (v) => tf.fused.matMul({ a: tf.mean(v[layer.from], [1, 2]), b: w, bias: b })
    }
    const { inside, channels, kernel, stride, depthwise } = layer
    const shape = depthwise ? [kernel, kernel, inside, 1] : [kernel, kernel, inside, channels]
    const w = weights(shape, 2 / Math.sqrt((depthwise ? 1 : inside) * kernel * kernel))
    const bias = weights([channels], 0.1)
    const conv = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d
    const activation = layer.relu ? 'relu' : 'linear'
    return (v) => conv({ x: v[layer.from], filter: w, strides: stride, pad: 'same', bias, activation })
  })
  return (picture) => {
    const values = [picture]
    let last = picture
    for (const [i, step] of steps.entries()) {
      last = step(values)
      if (layers[i].to !== undefined) values[layers[i].to] = last
    }
    return last
  }
}

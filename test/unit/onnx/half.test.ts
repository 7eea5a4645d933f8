import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeNode } from '../../../src/onnx/attribute.ts'
import { createGraph } from '../../../src/onnx/graph.ts'
import { fromHalf, storeAsHalf, toHalf, widenHalves } from '../../../src/onnx/half.ts'
import { createRandom, makeModel, randomFloats } from './make.ts'

describe('float16', () => {
  it('comes back as itself, for every finite value there is', () => {
    for (let half = 0; half < 0x10000; half++) {
      if ((half & 0x7c00) !== 0x7c00) expect(toHalf(fromHalf(half))).toBe(half)
    }
    // Known values: one, the smallest and the largest there are, the smallest normal one.
    const known = [0x3c00, 0x8001, 0xfbff, 0x0400, 0xfc00]
    expect(known.map(fromHalf)).toEqual([1, -(2 ** -24), -65504, 2 ** -14, Number.NEGATIVE_INFINITY])
  })

  it('is the nearest one', () => {
    fc.assert(
      fc.property(fc.float({ min: -70000, max: 70000, noNaN: true }), (value) => {
        const half = toHalf(value)
        const gap = Math.abs(fromHalf(half) - value)
        if (Math.abs(value) >= 65520) expect(fromHalf(half)).toBe(Math.sign(value) * Number.POSITIVE_INFINITY)
        else
          for (const other of [half - 1, half + 1])
            if ((other & 0x7fff) < 0x7c00) expect(gap).toBeLessThanOrEqual(Math.abs(fromHalf(other) - value))
      }),
    )
    expect([1, -2, 0.5, 65504, 1e9, 2 ** -24, 2 ** -26].map(toHalf)).toEqual([
      0x3c00, 0xc000, 0x3800, 0x7bff, 0x7c00, 1, 0,
    ])
    expect(fromHalf(toHalf(Number.NaN))).toBeNaN()
  })

  it('stores weights, not small constants nor what it cannot hold', () => {
    const random = createRandom(1)
    const graph = createGraph(
      makeModel({
        inputs: { x: [1, 16] },
        outputs: { y: [1, 16] },
        constants: {
          w: randomFloats([16, 16], random),
          huge: randomFloats([16, 16], random, 1e6),
          small: randomFloats([16], random),
        },
        nodes: [
          makeNode('MatMul', ['x', 'w'], ['a']),
          makeNode('MatMul', ['a', 'huge'], ['b']),
          makeNode('Add', ['b', 'small'], ['y']),
        ],
      }),
    )
    const half = storeAsHalf(graph)
    expect(half.constants.map((name) => half.constant(name)?.type).sort()).toEqual(['float16', 'float32', 'float32'])
    expect(half.nodes.map(({ opType }) => opType)).toEqual(['Cast', 'MatMul', 'MatMul', 'Add'])
    expect(graph.nodes).toHaveLength(3)

    const wide = widenHalves(half)
    expect(wide.nodes.map(({ opType }) => opType)).toEqual(['MatMul', 'MatMul', 'Add'])
    const weights = Array.from<number | bigint, number>(graph.constant('w')?.data ?? [], Number)
    const rounded = Float32Array.from(weights, (value) => fromHalf(toHalf(value)))
    expect(wide.constant(wide.nodes[0]?.input[1] ?? '')).toEqual({ type: 'float32', dims: [16, 16], data: rounded })
    expect(half.nodes).toHaveLength(4)
    expect(widenHalves(graph)).toBe(graph)
  })
})

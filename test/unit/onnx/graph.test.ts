import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { intsAttribute, makeNode } from '../../../src/onnx/attribute.ts'
import { cloneGraph, createGraph } from '../../../src/onnx/graph.ts'
import { TensorProtoSchema } from '../../../src/onnx/onnx_pb.ts'
import { readModel } from '../../../src/onnx/read.ts'
import { inferShapes } from '../../../src/onnx/shape.ts'
import { writeExternal, writeModel } from '../../../src/onnx/write.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import { makeModel, makeSmallNet } from './make.ts'

const relu = (from: string, to: string) => makeNode('Relu', [from], [to])

describe('reading and writing', () => {
  it('gives back the bytes it read', () => {
    const bytes = writeModel(makeSmallNet())
    expect(writeModel(readModel(bytes))).toEqual(bytes)
  })

  it('puts weights outside and finds them again', () => {
    const { model, weights } = writeExternal(makeSmallNet(), 'weights.bin')
    expect(model.length).toBeLessThan(writeModel(makeSmallNet()).length)
    const graph = createGraph(readModel(model, (path) => (path === 'weights.bin' ? weights : undefined)))
    const before = createGraph(makeSmallNet())
    for (const name of before.constants) expect(graph.constant(name)).toEqual(before.constant(name))
  })

  it('refuses external data that is missing, too short, or outside the folder', () => {
    const { model, weights } = writeExternal(makeSmallNet(), 'weights.bin')
    expect(() => readModel(model)).toThrow(expect.objectContaining({ code: 'model/missing-weights' }))
    expect(() => readModel(model, () => weights.subarray(0, 100))).toThrow(
      expect.objectContaining({ code: 'model/bad-tensor' }),
    )
    for (const path of ['../weights.bin', '/etc/passwd', 'a/../../b', 'C:\\weights', '']) {
      const evil = writeExternal(makeSmallNet(), path).model
      expect(() => readModel(evil, () => weights)).toThrow(expect.objectContaining({ code: 'model/bad-tensor' }))
    }
  })

  it('refuses a tensor that claims more than it holds, without allocating it', () => {
    for (const dims of [[2n ** 31n - 1n], [-1n], [2n ** 62n, 4n], [9n]]) {
      const model = makeSmallNet()
      model.graph?.initializer.push(
        create(TensorProtoSchema, { name: 'lie', dims, dataType: 1, rawData: new Uint8Array(8) }),
      )
      expect(() => readModel(writeModel(model))).toThrow(expect.objectContaining({ code: 'model/bad-tensor' }))
    }
  })

  it.each([
    ['nothing', new Uint8Array()],
    ['text', new TextEncoder().encode('<html>log in to the wifi</html>')],
    ['zeros', new Uint8Array(1000)],
    ['half a model', writeModel(makeSmallNet()).slice(0, 900)],
  ])('refuses %s in one clear line', (_, bytes) => {
    expect(() => readModel(bytes)).toThrow(JikoError)
    expect(() => readModel(bytes)).toThrow(/^[^\n]+$/)
  })

  it('answers every damaged file with a graph or a JikoError', () => {
    const good = writeModel(makeSmallNet())
    const damage = fc.record({
      cut: fc.option(fc.nat(good.length), { nil: good.length, freq: 3 }),
      flips: fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })), { maxLength: 6 }),
    })
    fc.assert(
      fc.property(damage, ({ cut, flips }) => {
        const bytes = good.slice()
        for (const [at, mask] of flips) bytes[at] = (bytes[at] ?? 0) ^ mask
        try {
          const graph = createGraph(readModel(bytes.subarray(0, cut)))
          inferShapes(graph)
        } catch (error) {
          if (!(error instanceof JikoError)) throw error
          expect(error.code).toMatch(/^model\//)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a real model, damaged', () => {
  const path = join(import.meta.dirname, '../../../models/coffee-leaf/model.onnx')
  const good = new Uint8Array(readFileSync(path))

  it('is read, or refused in one line, wherever bits are flipped or bytes are cut', () => {
    // Half of the damage goes where the structure is: the names and lengths around the weights' ends.
    const place = fc.oneof(
      fc.nat(4000),
      fc.nat(good.length - 1),
      fc.nat(4000).map((back) => good.length - 1 - back),
    )
    const damage = fc.record({
      cut: fc.option(fc.nat(good.length), { nil: good.length, freq: 2 }),
      bytes: fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 8 }),
    })
    fc.assert(
      fc.property(damage, ({ cut, bytes }) => {
        const bad = good.slice()
        for (const [at, value] of bytes) bad[at] = value
        try {
          const graph = createGraph(readModel(bad.subarray(0, cut)))
          for (const name of graph.constants) graph.constant(name)
          inferShapes(graph)
        } catch (error) {
          if (!(error instanceof JikoError)) throw error
          expect(error.message).toMatch(/^[^\n]{1,600}$/)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('the graph', () => {
  it('knows producers, consumers and constants', () => {
    const graph = createGraph(makeSmallNet())
    expect(graph.producer('r1')?.opType).toBe('Clip')
    expect(graph.consumers('r1').map((node) => node.opType)).toEqual(['Conv'])
    expect(graph.constant('high')?.data).toEqual(Float32Array.of(6))
    expect(graph.constant('x')).toBeUndefined()
    expect(graph.inputs).toEqual([{ name: 'x', type: 'float32', dims: [1, 3, 16, 16] }])
    expect(graph.opset()).toBe(13)
    expect(intsAttribute(graph.producer('c2') ?? relu('', ''), 'strides')).toEqual([2, 2])
  })

  it('infers shapes', () => {
    const shapes = inferShapes(createGraph(makeSmallNet()))
    expect(Object.fromEntries(shapes)).toMatchObject({
      c1: [1, 8, 16, 16],
      c2: [1, 8, 8, 8],
      p: [1, 8, 1, 1],
      y: [1, 4],
    })
  })

  it('sorts nodes that come in the wrong order', () => {
    const model = makeModel({
      inputs: { x: [1] },
      outputs: { c: [1] },
      nodes: [relu('b', 'c'), relu('a', 'b'), relu('x', 'a')],
    })
    expect(createGraph(model).nodes.map((node) => node.output[0])).toEqual(['a', 'b', 'c'])
  })

  it.each([
    ['a cycle', [relu('b', 'a'), relu('a', 'b')], /waits for itself/],
    ['a value nothing makes', [relu('ghost', 'b')], /which nothing makes/],
    ['a value made twice', [relu('x', 'b'), relu('x', 'b')], /two things/],
    ['an output nothing makes', [relu('x', 'other')], /nothing makes its output/],
  ])('refuses %s', (_, nodes, message) => {
    const model = makeModel({ inputs: { x: [1] }, outputs: { b: [1] }, nodes })
    expect(() => createGraph(model)).toThrow(message)
  })

  it('takes a chain of 50,000 nodes given backwards', () => {
    const nodes = Array.from({ length: 50_000 }, (_, i) => relu(i === 0 ? 'x' : `v${i - 1}`, `v${i}`)).reverse()
    const graph = createGraph(makeModel({ inputs: { x: [1] }, outputs: { v49999: [1] }, nodes }))
    expect(graph.nodes[0]?.input).toEqual(['x'])
  })

  it('edits a clone and leaves the original as it was', () => {
    const graph = createGraph(makeSmallNet())
    const before = writeModel(graph.model)
    const clone = cloneGraph(graph)
    const clip = clone.producer('r1')
    if (!clip) throw new Error('the test net has a Clip')
    clone.replaceUses('r1', 'n1')
    clone.update({ remove: [clip] })
    clone.dropUnusedConstants()
    expect(clone.constants).not.toContain('high')
    expect(clone.consumers('n1').map((node) => node.opType)).toEqual(['Conv'])
    expect(writeModel(graph.model)).toEqual(before)
  })

  it('sees what a graph inside a node reads', () => {
    const model = makeModel({
      inputs: { x: [1] },
      outputs: { b: [1] },
      nodes: [relu('x', 'a'), makeNode('If', ['x'], ['b'])],
    })
    const body = makeModel({ inputs: {}, outputs: { inner: [1] }, nodes: [relu('a', 'inner')] }).graph
    const branch = model.graph?.node[1]
    if (!branch || !body) throw new Error('unreachable')
    branch.attribute = [{ ...makeNode('X', [], [], { then_branch: 1 }).attribute[0], g: body } as never]
    const graph = createGraph(model)
    expect(graph.consumers('a').map((node) => node.opType)).toEqual(['If'])
    graph.replaceUses('a', 'x')
    expect(graph.consumers('a')).toEqual([])
  })

  it('keeps what it does not know', () => {
    const model = makeSmallNet()
    // A field of the format's later versions, length-delimited.
    model.$unknown = [{ no: 26, wireType: 2, data: Uint8Array.of(2, 7, 7) }]
    const again = readModel(writeExternal(cloneGraph(createGraph(model)).model, 'w').model, () => new Uint8Array(1e5))
    expect(again.$unknown).toEqual(model.$unknown)
  })
})

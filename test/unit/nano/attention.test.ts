import { expect, test } from 'vitest'
import type { Bytes } from '../../../src/lib/bytes.ts'
import { createGraph } from '../../../src/onnx/graph.ts'
import { lower } from '../../../src/onnx/lower/lower.ts'
import { quantiseDynamic } from '../../../src/onnx/quantise/dynamic.ts'
import { readModel } from '../../../src/onnx/read.ts'
import { writeModel } from '../../../src/onnx/write.ts'
import type { Tensor, Tensors } from '../../../src/protocol/tensor.ts'
import { runNano, runOrt } from '../../helpers/compare-engines.ts'
import { createQdqGraph } from '../../helpers/qdq-graph.ts'

const [WORDS, WIDE, HEADS, LENGTH] = [50, 32, 4, 6]
const DEEP = WIDE / HEADS

/**
 * One step of a small decoder: the next token's scores, and what later steps need of this one. The cache has a fixed
 * length; a token writes its place in it, and sees those before.
 */
function decoder(): { model: Bytes; past: string[]; present: string[]; logits: string; token: string; place: string } {
  const graph = createQdqGraph(11, 20)
  const token = graph.input([1, 1], 'int64')
  const place = graph.input([1], 'int64')
  const past = [graph.input([1, HEADS, LENGTH, DEEP]), graph.input([1, HEADS, LENGTH, DEEP])]
  const eye = Array.from({ length: LENGTH ** 2 }, (_, i) => (i % (LENGTH + 1) === 0 ? 1 : 0))
  const hidden = Array.from({ length: LENGTH ** 2 }, (_, i) => (i % LENGTH > Math.floor(i / LENGTH) ? -1e9 : 0))
  const here = graph.node('Reshape', [
    graph.node('Gather', [graph.constant('eye', graph.floats(eye, [LENGTH, LENGTH])), place]),
    graph.integers([1, 1, LENGTH, 1]),
  ])
  const elsewhere = graph.node('Sub', [graph.constant('one', graph.floats([1])), here])
  const mask = graph.node('Gather', [graph.constant('mask', graph.floats(hidden, [LENGTH, LENGTH])), place])
  const norm = (x: string): string =>
    graph.node('LayerNormalization', [x, graph.reals([WIDE]), graph.reals([WIDE])], { axis: -1 })
  const dense = (x: string, from: number, to: number): string =>
    graph.node('Add', [graph.node('MatMul', [x, graph.reals([from, to], 0.3)]), graph.reals([to])])
  const heads = (x: string): string =>
    graph.node('Transpose', [graph.node('Reshape', [x, graph.integers([1, 1, HEADS, DEEP])])], { perm: [0, 2, 1, 3] })
  const x = graph.node('Add', [
    graph.node('Gather', [graph.reals([WORDS, WIDE]), token]),
    graph.node('Gather', [graph.reals([LENGTH, WIDE]), place]),
  ])
  const before = norm(x)
  const [query = '', key = '', value = ''] = graph
    .nodes('Split', [dense(before, WIDE, 3 * WIDE), graph.integers([WIDE, WIDE, WIDE])], ['query', 'key', 'value'], {
      axis: 2,
    })
    .map(heads)
  const present = [key, value].map((fresh, i) =>
    graph.node('Add', [graph.node('Mul', [past[i] ?? '', elsewhere]), graph.node('Mul', [fresh, here])]),
  )
  const [keys = '', values = ''] = present
  const scores = graph.node('MatMul', [query, graph.node('Transpose', [keys], { perm: [0, 1, 3, 2] })])
  const scaled = graph.node('Mul', [scores, graph.constant('scale', graph.floats([1 / Math.sqrt(DEEP)]))])
  const weights = graph.node('Softmax', [graph.node('Add', [scaled, mask])], { axis: -1 })
  const seen = graph.node('Transpose', [graph.node('MatMul', [weights, values])], { perm: [0, 2, 1, 3] })
  const mixed = graph.node('Reshape', [seen, graph.integers([1, 1, WIDE])])
  const attended = graph.node('Add', [x, dense(mixed, WIDE, WIDE)])
  const grown = graph.node('Gelu', [dense(norm(attended), WIDE, 4 * WIDE)])
  const out = norm(graph.node('Add', [attended, dense(grown, 4 * WIDE, WIDE)]))
  const logits = graph.node('MatMul', [out, graph.reals([WIDE, WORDS])])
  graph.output(logits, [1, 1, WORDS])
  for (const name of present) graph.output(name, [1, HEADS, LENGTH, DEEP])
  return { model: graph.build(), past, present, logits, token, place }
}

/** Tokens one after the other, each answer's most likely next; every engine with a cache of its own. */
async function speak(run: (inputs: Tensors) => Promise<Record<string, unknown>>, of: ReturnType<typeof decoder>) {
  const empty = new Float32Array(HEADS * LENGTH * DEEP)
  let cache = of.past.map((): Tensor => ({ type: 'float32', dims: [1, HEADS, LENGTH, DEEP], data: empty }))
  let word = 7
  const said: { word: number; logits: number[] }[] = []
  for (let i = 0; i < LENGTH; i++) {
    const inputs: Tensors = {
      [of.token]: { type: 'int64', dims: [1, 1], data: BigInt64Array.of(BigInt(word)) },
      [of.place]: { type: 'int64', dims: [1], data: BigInt64Array.of(BigInt(i)) },
      ...Object.fromEntries(of.past.map((name, k) => [name, cache[k] as Tensor])),
    }
    const outputs = (await run(inputs)) as Record<string, { data: Float32Array<ArrayBuffer> }>
    const logits = [...(outputs[of.logits]?.data ?? [])]
    word = logits.indexOf(Math.max(...logits))
    said.push({ word, logits })
    cache = of.present.map((name) => ({
      type: 'float32',
      dims: [1, HEADS, LENGTH, DEEP],
      data: outputs[name]?.data ?? empty,
    }))
  }
  return said
}

for (const precision of ['reals', 'dynamic int8']) {
  test(`a decoder with causal attention and a cache, in ${precision}, says what onnxruntime says`, async () => {
    const parts = decoder()
    const graph = createGraph(readModel(parts.model))
    const model = precision === 'reals' ? parts.model : writeModel(quantiseDynamic(graph).model)
    const { plan } = lower(model)
    const [wanted, got] = [await speak((x) => runOrt(model, x), parts), await speak((x) => runNano(plan, x), parts)]
    expect(got.map(({ word }) => word)).toEqual(wanted.map(({ word }) => word))
    for (const [i, { logits }] of wanted.entries()) {
      const largest = Math.max(...logits.map(Math.abs))
      const off = logits.map((value, k) => Math.abs(value - (got[i]?.logits[k] ?? Number.NaN)) / largest)
      expect(Math.max(...off), `token ${i}`).toBeLessThan(precision === 'reals' ? 1e-5 : 1e-4)
    }
  })
}

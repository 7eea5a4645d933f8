import { expect, test } from 'vitest'
import { lower } from '../../../src/onnx/lower/lower.ts'
import { PLAN_VERSION, parsePlan } from '../../../src/protocol/plan.ts'
import { float32 } from '../../../src/protocol/tensor.ts'
import { loadKernels } from '../../../src/runtime/nano/load-kernels.ts'
import { createNanoBackend } from '../../../src/runtime/nano/nano.ts'
import { createQdqGraph } from '../../helpers/qdq-graph.ts'

function model() {
  const graph = createQdqGraph(1)
  const w = graph.weights({ dims: [16, 8, 1, 1] })
  const x = { type: 'int8', scale: 0.02, zero: 0 } as const
  const a = graph.quantised(graph.input([1, 8, 4, 4]), x)
  graph.output(graph.quantised(graph.node('Conv', [a, w.name]), x), [1, 16, 4, 4])
  return lower(graph.build()).plan
}

test('a session takes what its model takes, and nothing after it is closed', async () => {
  const backend = createNanoBackend()
  expect(backend.name).toBe(`nano ${PLAN_VERSION}`)
  const session = await backend.createSession({ engine: 'nano', plan: 'model.nano' }, async (path) => {
    expect(path).toBe('model.nano')
    return model()
  })
  expect(backend.name).toMatch(/^nano \d+ \((dot|mlal)\)$/)
  const input = float32([1, 8, 4, 4], new Float32Array(128).fill(0.3))
  const name = parsePlan(model()).inputs[0]?.name ?? ''
  const outputs = await session.run({ [name]: input, other: input })
  expect(Object.values(outputs)[0]?.dims).toEqual([1, 16, 4, 4])
  await expect(session.run({})).rejects.toMatchObject({ code: 'runtime/bad-input' })
  const wrongShape = { [name]: float32([1, 8, 2, 8], new Float32Array(128)) }
  await expect(session.run(wrongShape)).rejects.toThrow(/must be float32 \[1, 8, 4, 4\], it got float32 \[1, 8, 2, 8\]/)
  await session.dispose()
  await expect(session.run({ [name]: input })).rejects.toMatchObject({ code: 'runtime/run-failed' })
})

test('which kernels won is known after a restart, as long as they are the same', async () => {
  const kept = new Map<string, string>()
  const notes = {
    getNote: async (key: string) => kept.get(key),
    putNote: async (key: string, text: string) => void kept.set(key, text),
  }
  const builds = await loadKernels()
  const start = async (given: typeof builds): Promise<string> => {
    const backend = createNanoBackend({ notes, load: async () => given })
    await backend.createSession({ engine: 'nano', plan: 'p' }, async () => model())
    return backend.name
  }
  await start(builds)
  const [key = '', once = ''] = [...kept][0] ?? []
  const [race = '', won] = once.split(': ')
  expect(won).toMatch(/^(dot|mlal)$/)
  // A winner is believed when it has won again, not before.
  for (const name of ['dot', 'mlal']) {
    kept.set(key, `${race}: ${name}`)
    const [, winner] = /\((\w+)\)$/.exec(await start(builds)) ?? []
    expect(kept.get(key)).toBe(winner === name ? `${race}: ${name}: again` : `${race}: ${winner}`)
  }
  // What no race would say here.
  for (const name of ['dot', 'mlal']) {
    kept.set(key, `${race}: ${name}: again`)
    expect(await start(builds)).toContain(`(${name})`)
  }
  const others = new Map([...builds].filter(([name]) => name !== 'mlal'))
  expect(await start(others)).toContain('(dot)')
  expect(kept.get(key)).toMatch(/: dot$/)
  await start(others)
  expect(kept.get(key)).toMatch(/: dot: again$/)
  for (const damaged of ['', 'x', `${race}: scalar: again`, race]) {
    kept.set(key, damaged)
    expect(await start(builds)).toMatch(/\((dot|mlal)\)/)
  }
})

test('programs of other engines and damaged plans are refused', async () => {
  const backend = createNanoBackend()
  const onnx = { engine: 'onnx', model: 'model.onnx' } as const
  await expect(backend.createSession(onnx, async () => new Uint8Array())).rejects.toMatchObject({
    code: 'runtime/engine',
  })
  const nano = { engine: 'nano', plan: 'model.nano' } as const
  await expect(backend.createSession(nano, async () => new Uint8Array(100))).rejects.toMatchObject({
    code: 'runtime/bad-plan',
  })
})

test('whole numbers go in and come out as such, and those that f32 cannot hold are refused', async () => {
  const graph = createQdqGraph(1, 20)
  const ids = graph.input([1, 3], 'int64')
  graph.output(graph.node('Gather', [graph.integers([5, 6, 7, 8]), ids]), [1, 3], 'int64')
  const { plan } = lower(graph.build())
  const session = await createNanoBackend().createSession({ engine: 'nano', plan: 'p' }, async () => plan)
  const numbers = (...values: bigint[]) => ({ type: 'int64', dims: [1, 3], data: BigInt64Array.from(values) }) as const
  const [output] = Object.values(await session.run({ [ids]: numbers(2n, -1n, 0n) }))
  expect(output).toEqual(numbers(7n, 8n, 5n))
  await expect(session.run({ [ids]: numbers(2n, 2n ** 24n + 2n, 0n) })).rejects.toThrow(
    /it got an integer above 16777216/,
  )
  await expect(session.run({ [ids]: float32([1, 3], new Float32Array(3)) })).rejects.toThrow(/must be int64 \[1, 3\]/)
})

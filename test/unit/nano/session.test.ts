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

const input = { [parsePlan(model()).inputs[0]?.name ?? '']: float32([1, 8, 4, 4], new Float32Array(128)) }
const pause = async (): Promise<void> => undefined
/** Rounds of a race between two. */
const RACE = 8

/** Starts of one device, whose stopwatch says that `fastest` is. */
function device(builds: Awaited<ReturnType<typeof loadKernels>>, x86 = false) {
  const kept = new Map<string, string>()
  /** Waits for `rounds` of them, or a while for none; returns which kernels a start took. */
  async function start(fastest: string, rounds: number, answers = 3): Promise<string> {
    let raced = 0
    let noted = 0
    const notes = {
      getNote: async (key: string) => kept.get(key),
      putNote: async (key: string, text: string) => {
        kept.set(key, text)
        noted++
      },
    }
    const stopwatch = (_run: () => void, name: string) => {
      raced++
      return name === fastest ? 1 : 2
    }
    const backend = createNanoBackend({ notes, load: async () => builds, x86, race: { stopwatch, pause } })
    const session = await backend.createSession({ engine: 'nano', plan: 'p' }, async () => model())
    for (let i = 0; i < answers; i++) await session.run(input)
    if (rounds === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    await expect.poll(() => [raced, noted]).toEqual([rounds, rounds / RACE])
    return /\((\w+)\)$/.exec(backend.name)?.[1] ?? ''
  }
  return { kept, start }
}

test('a first start takes what its processor is good at; what wins twice behind its answers is taken from then on', async () => {
  const builds = await loadKernels()
  const { start, kept } = device(builds)
  expect(await start('dot', 0, 2)).toBe('mlal')
  expect(await start('dot', RACE)).toBe('mlal')
  // Once may be an accident.
  expect(await start('mlal', RACE)).toBe('mlal')
  expect(await start('dot', RACE)).toBe('mlal')
  expect(await start('dot', RACE, 9)).toBe('mlal')
  // Now it is believed, and nobody is timed any more.
  expect(await start('mlal', 0)).toBe('dot')
  const [[key, believed] = ['', '']] = kept
  for (const damaged of ['', 'x', believed.replace('dot', 'scalar'), believed.replace(/^\d/, '0'), ': dot: again']) {
    kept.set(key, damaged)
    expect(await start('mlal', 0, 1)).toBe('mlal')
  }
  // Other kernels make it another race.
  const others = device(new Map([...builds].filter(([name]) => name !== 'relaxed')))
  others.kept.set(key, believed)
  expect(await others.start('dot', RACE)).toBe('mlal')
})

test('nothing is timed where the processor has settled it, nor where nobody could remember it', async () => {
  const builds = await loadKernels()
  expect(await device(builds, true).start('mlal', 0)).toBe('dot')
  let raced = 0
  const race = { stopwatch: () => ++raced, pause }
  const backend = createNanoBackend({ load: async () => builds, x86: false, race })
  const session = await backend.createSession({ engine: 'nano', plan: 'p' }, async () => model())
  for (let i = 0; i < 5; i++) await session.run(input)
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(raced).toBe(0)
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

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createEngines } from '../../../src/cli/engines.ts'
import { makeNode } from '../../../src/onnx/attribute.ts'
import { createGraph } from '../../../src/onnx/graph.ts'
import { readModel } from '../../../src/onnx/read.ts'
import { simplify } from '../../../src/onnx/simplify.ts'
import { writeModel } from '../../../src/onnx/write.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import { MATERIALS } from '../../helpers/sample-inputs.ts'
import { seed } from '../../helpers/seed.ts'
import { seeded } from '../../helpers/synthetic-pack.ts'
import { makeModel, makeSmallNet } from '../onnx/make.ts'

const { open } = createEngines()
const TRIES = 30
/** What damaged models may take of memory together: far below what one lie about a size would. */
const MOST_BYTES = 300e6

/** Half of the damage goes to the ends, where names and lengths are. */
function damage(good: Uint8Array, random: () => number): Uint8Array {
  const bad = good.slice()
  for (let i = 0; i < 1 + Math.floor(random() * 4); i++) {
    const edge = Math.floor(random() * 3000)
    const place = random()
    const at = place < 0.4 ? edge : place < 0.7 ? good.length - 1 - edge : Math.floor(random() * good.length)
    if (at >= 0 && at < bad.length) bad[at] = Math.floor(random() * 256)
  }
  return random() < 0.2 ? bad.subarray(0, Math.floor(random() * bad.length)) : bad
}

const models: [string, () => Uint8Array][] = [
  ['a small net', () => writeModel(makeSmallNet())],
  ...['kws-dscnn-mlperf-tiny/kws_int8.float.onnx', 'mnist-cntk/mnist.onnx'].map((path): [string, () => Uint8Array] => [
    path,
    () => new Uint8Array(readFileSync(join(MATERIALS, 'models', path))),
  ]),
]

describe('a damaged model on its way through reading, rewriting and the engine', () => {
  for (const [name, load] of models) {
    const here = name === 'a small net' || existsSync(join(MATERIALS, 'models', name))
    it.skipIf(!here)(
      `${name}: works or is refused in one line, and memory stays bounded`,
      { timeout: 60_000 },
      async () => {
        const good = load()
        const random = seeded(seed)
        const before = process.memoryUsage().arrayBuffers
        let refused = 0
        for (let i = 0; i < TRIES; i++) {
          try {
            await simplify(createGraph(readModel(damage(good, random))), { open })
          } catch (error) {
            if (!(error instanceof JikoError)) throw error
            expect(error.code).toMatch(/^(model|runtime)\//)
            expect(error.message).toMatch(/^[^\n]{1,800}$/)
            refused++
          }
        }
        expect(refused).toBeGreaterThan(0)
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MOST_BYTES)
      },
    )
  }

  it('an operator that nobody knows is named', async () => {
    const model = makeModel({ inputs: { x: [1] }, outputs: { y: [1] }, nodes: [makeNode('Frobnicate', ['x'], ['y'])] })
    await expect(simplify(createGraph(model), { open })).rejects.toMatchObject({
      code: 'runtime/session-failed',
      message: expect.stringContaining('Frobnicate'),
    })
  })
})

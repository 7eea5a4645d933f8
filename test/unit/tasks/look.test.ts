import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { createEngines } from '../../../src/cli/engines.ts'
import { buildPack } from '../../../src/cli/pack/build-pack.ts'
import { readSourceFolder } from '../../../src/cli/pack/source.ts'
import type { RunModel } from '../../../src/protocol/task.ts'
import { float32 } from '../../../src/protocol/tensor.ts'
import { createLooking } from '../../../src/tasks/look.ts'
import { throwAwaySigner } from '../../helpers/synthetic-pack.ts'

const FOLDER = 'models/tiny-writer'
const { source } = await readSourceFolder(FOLDER)
const { input, output } = source
if (!input || typeof output !== 'object') throw new Error('tiny-writer says what it takes and gives')
const read = async (path: string) => new Uint8Array(await readFile(`${FOLDER}/${path}`))
const { signal } = new AbortController()

/** Likes the token after the one it was fed best, and looks only at the first two. */
const fake: RunModel = async (fed) => {
  const [token = 0] = Array.from<number | bigint, number>(fed.token?.data ?? [], Number)
  const logits = float32([1, 303], new Float32Array(303).fill(0).fill(9, token + 1, token + 2))
  const attention = new Float32Array(4 * 4 * 192)
  for (let row = 0; row < 16; row++) attention.set([row % 4 === 0 ? 1 : 0.5, row % 4 === 0 ? 0 : 0.5], row * 192)
  return { logits, attention: float32([4, 4, 192], attention) }
}

describe('looking into a pack that writes', () => {
  it('tells the words, what is likely next, and where each layer looks', async () => {
    const look = await createLooking({ input, output }, read)
    const { words, nexts, layers } = await look('<en>all human', fake, signal)
    expect(words.join('')).toBe('<en>all human')
    expect(nexts).toHaveLength(6)
    expect(nexts[0]?.share).toBeGreaterThan(0.9)
    expect(layers).toHaveLength(4)
    expect(layers[0]?.slice(0, 3)).toEqual([0.625, 0.375, 0])
    expect(layers.every((layer) => layer.length === words.length)).toBe(true)
  })

  it('looks no further back than the model can see', async () => {
    const look = await createLooking({ input, output }, read)
    expect((await look('a'.repeat(400), fake, signal)).words).toHaveLength(191)
  })

  it('says what is wrong', async () => {
    const look = await createLooking({ input, output }, read)
    await expect(look('', fake, signal)).rejects.toMatchObject({ code: 'input/no-words' })
    await expect(look('a', async () => ({}), signal)).rejects.toMatchObject({ code: 'task/bad-output' })
    const classes = { kind: 'classes', tensor: 'x', activation: 'logits' } as const
    await expect(createLooking({ input, output: classes }, read)).rejects.toMatchObject({ code: 'task/unknown' })
  })
})

describe('what a pack shows besides its answers', () => {
  it('must be a value of the graph', async () => {
    const folder = await readSourceFolder('models/spoken-arabic')
    const wrong = { kind: 'classes', tensor: 'logits', activation: 'logits', features: 'no such value' } as const
    const asked = { ...folder, source: { ...folder.source, output: wrong } }
    const options = { engines: createEngines(), signer: await throwAwaySigner() }
    await expect(buildPack(asked, options)).rejects.toMatchObject({
      code: 'model/which',
      message: expect.stringContaining('no such value'),
    })
  })

  it('is an output of the program on nano too, and costs the pack no golden values', async () => {
    const options = { engines: createEngines(), signer: await throwAwaySigner() }
    const { manifest } = await buildPack(await readSourceFolder('models/spoken-arabic'), options)
    const [variant] = manifest.variants
    expect(variant?.programs[0]?.engine).toBe('nano')
    expect(Object.keys(variant?.golden[0]?.output ?? {})).toEqual(['logits'])
    expect(variant?.accuracy).toBeDefined()
  })
})

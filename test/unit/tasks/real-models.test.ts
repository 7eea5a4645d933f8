import { describe, expect, it } from 'vitest'
import { createEngines } from '../../../src/cli/engines.ts'
import { utf8 } from '../../../src/lib/bytes.ts'
import type { Variant } from '../../../src/protocol/manifest.ts'
import { type Tensors, tensorOf } from '../../../src/protocol/tensor.ts'
import { startCalls } from '../../../src/runtime/feeding.ts'
import { checkGolden } from '../../../src/runtime/open-session.ts'
import { taskFor } from '../../../src/tasks/table.ts'
import { buildReal, inputOf, materialBytes, modelBytes, realPacks } from '../../helpers/real-packs.ts'
import { hasMaterials } from '../../helpers/sample-inputs.ts'
import { throwAwaySigner } from '../../helpers/synthetic-pack.ts'

if (!hasMaterials) console.warn('Tasks on real models: skipped, there is no shared/materials beside the project.')

/** Each kind of task on the model as it came. As packs, and in Chromium: `test/browser/tasks.test.ts`. */
describe.runIf(hasMaterials)('a real model', () => {
  const engines = createEngines()

  it.each(hasMaterials ? realPacks() : [])('$name ($source.task) answers right', async (real) => {
    const { input, output } = real.source
    if (!input || typeof output !== 'object') throw new Error('a real pack says both')
    const manifest = { ...real.source, input, output }
    const first = await engines.open(modelBytes(real))
    const reader = real.reader === undefined ? undefined : await engines.open(materialBytes(real.reader))
    const session = { ...first, ...(reader && { reader }) }
    const task = await taskFor(manifest, async (path) => real.files?.[path] ?? new Uint8Array())
    for (const question of real.questions) {
      const given = await inputOf(question, input)
      const answer = await task.run(given, startCalls(session, manifest))
      const said = JSON.stringify(answer).slice(0, 300)
      if (process.env.JIKO_SHOW) console.log(real.name, question.file ?? question.text, said)
      expect(question.right(answer), `${question.file ?? question.text}: ${said}`).toBe(true)
      // Asked again from the start, a model that remembers has forgotten.
      if (real.source.state) expect(await task.run(given, startCalls(session, manifest))).toEqual(answer)
    }
    await first.dispose()
    await reader?.dispose()
  })
  it('faces-yunet has a manifest that is mostly labels and pieces, though it has nine outputs, and each is looked at', async () => {
    const [real] = realPacks().filter(({ name }) => name === 'faces-yunet')
    if (!real) throw new Error('the face finder is gone')
    const { manifest, text } = await buildReal(real, engines, await throwAwaySigner())
    const [{ golden }] = manifest.variants as [Variant]
    expect(golden.map(({ output }) => Object.keys(output).length)).toEqual([9, 9])
    expect(utf8(text).length).toBeLessThan(32_768)

    const session = await engines.open(modelBytes(real))
    for (const one of golden) {
      await checkGolden(session, one, manifest)
      for (const name of Object.keys(one.output)) {
        const run = async (inputs: Tensors): Promise<Tensors> => {
          const outputs = await session.run(inputs)
          return { ...outputs, [name]: tensorOf('float32', outputs[name]?.dims ?? [], () => 0) }
        }
        await expect(checkGolden({ ...session, run }, one, manifest)).rejects.toThrow(`output "${name}"`)
      }
    }
    await session.dispose()
  })
})

import { describe, expect, it } from 'vitest'
import { createEngines } from '../../../src/cli/engines.ts'
import { startCalls } from '../../../src/runtime/feeding.ts'
import { taskFor } from '../../../src/tasks/table.ts'
import { inputOf, materialBytes, modelBytes, realPacks } from '../../helpers/real-packs.ts'
import { hasMaterials } from '../../helpers/sample-inputs.ts'

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
})

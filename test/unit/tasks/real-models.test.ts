import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createEngines } from '../../../src/cli/engines.ts'
import { openFolder } from '../../../src/cli/pack/open-folder.ts'
import { writePack } from '../../../src/cli/pack/write-pack.ts'
import { startCalls } from '../../../src/runtime/feeding.ts'
import { openSession } from '../../../src/runtime/open-session.ts'
import { taskFor } from '../../../src/tasks/table.ts'
import { buildReal, inputOf, realPacks } from '../../helpers/real-packs.ts'
import { hasMaterials } from '../../helpers/sample-inputs.ts'
import { throwAwaySigner } from '../../helpers/synthetic-pack.ts'

if (!hasMaterials) console.warn('Tasks on real models: skipped, there is no shared/materials beside the project.')

/** Each kind of task through the whole of the pack: built from the float or QDQ model, opened by its golden inputs, asked. */
describe.runIf(hasMaterials)('a real model', () => {
  const engines = createEngines()

  it.each(hasMaterials ? realPacks() : [])('$name ($source.task) answers right', async (real) => {
    const signer = await throwAwaySigner()
    const out = mkdtempSync(join(tmpdir(), 'jiko-packs-'))
    await writePack(out, await buildReal(real, engines, signer))
    const { manifest, read } = await openFolder(join(out, real.name), [signer.key])
    const [variant] = manifest.variants
    if (!variant) throw new Error('no variant')
    const opened = await openSession(variant, manifest, engines.backends, read)
    const task = await taskFor(manifest, read)
    expect(opened.refused).toEqual([])
    for (const question of real.questions) {
      const input = await inputOf(question, manifest.input)
      const answer = await task.run(input, startCalls(opened.session, manifest))
      if (process.env.JIKO_SHOW)
        console.log(real.name, opened.backend, question.file ?? question.text, JSON.stringify(answer).slice(0, 300))
      expect(question.right(answer), `${question.file ?? question.text}: ${JSON.stringify(answer).slice(0, 600)}`).toBe(
        true,
      )
      // Asked again from the start, a model that remembers has forgotten.
      expect(await task.run(input, startCalls(opened.session, manifest))).toEqual(answer)
    }
    await opened.session.dispose()
  })
})

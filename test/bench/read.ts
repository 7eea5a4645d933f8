import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngines } from '../../src/cli/engines.ts'
import { editDistance } from '../../src/cli/evaluate.ts'
import { buildPack } from '../../src/cli/pack/build-pack.ts'
import { openFolder } from '../../src/cli/pack/open-folder.ts'
import type { Precision } from '../../src/cli/pack/shrink.ts'
import { writePack } from '../../src/cli/pack/write-pack.ts'
import { startCalls } from '../../src/runtime/feeding.ts'
import { openSession } from '../../src/runtime/open-session.ts'
import { taskFor } from '../../src/tasks/table.ts'
import { inputOf, type RealPack, realPacks, sourceFolder } from '../helpers/real-packs.ts'
import { hasMaterials } from '../helpers/sample-inputs.ts'
import { throwAwaySigner } from '../helpers/synthetic-pack.ts'
import { drawTextPages, TEXT_PAGES } from '../helpers/text-pages.ts'

/** Characters of each page that were read right, and milliseconds of each. */
async function readAll(packs: string, key: string, files: readonly string[]) {
  const { manifest, read } = await openFolder(join(packs, 'page'), [key])
  const [variant] = manifest.variants
  if (!variant) throw new Error('no variant')
  const { session } = await openSession(variant, manifest, createEngines().backends, read)
  const task = await taskFor(manifest, read)
  const found: { right: number; all: number; ms: number }[] = []
  for (const [i, path] of files.entries()) {
    const input = await inputOf({ path, right: () => true }, manifest.input)
    const begun = performance.now()
    const answer = await task.run(input, startCalls(session, manifest))
    const ms = performance.now() - begun
    const written = TEXT_PAGES[i]?.lines.join('\n') ?? ''
    const text = answer.kind === 'text' ? answer.text : ''
    found.push({ right: written.length - editDistance(written, text), all: written.length, ms })
  }
  await session.dispose()
  return { found, bytes: manifest.blob.length }
}

/** `npm run bench -- read`: pages of known text, drawn as phones see paper, read by the detector and the recogniser of PP-OCR. */
export async function bench(): Promise<void> {
  if (!hasMaterials) throw new Error('there is no shared/materials beside the project: nothing to read with')
  const folder = await mkdtemp(join(tmpdir(), 'jiko-read-'))
  try {
    const files = await drawTextPages(folder)
    const signer = await throwAwaySigner()
    const source = await sourceFolder(realPacks().find(({ name }) => name === 'page') as RealPack)
    const ways: { precision: Precision; result: Awaited<ReturnType<typeof readAll>> }[] = []
    for (const precision of ['none', 'fp16'] as const) {
      const engines = createEngines()
      await writePack(folder, await buildPack(source, { engines, signer, precision }))
      ways.push({ precision, result: await readAll(folder, signer.key, files) })
    }
    console.log(`| page | characters | ${ways.map(({ precision }) => `${precision} % (ms)`).join(' | ')} |`)
    console.log(`|---|---|${ways.map(() => '---|').join('')}`)
    for (const [i, { name, lines }] of TEXT_PAGES.entries()) {
      const cells = ways.map(({ result }) => {
        const { right = 0, all = 1, ms = 0 } = result.found[i] ?? {}
        return `${((100 * right) / all).toFixed(1)} (${ms.toFixed(0)})`
      })
      console.log(`| ${name} | ${lines.join('\n').length} | ${cells.join(' | ')} |`)
    }
    const totals = ways.map(({ result: { found } }) => {
      const sum = (pick: 'right' | 'all'): number => found.reduce((total, one) => total + one[pick], 0)
      return `${((100 * sum('right')) / sum('all')).toFixed(1)}`
    })
    console.log(
      `| all | ${TEXT_PAGES.flatMap(({ lines }) => lines.join('\n')).join('').length} | ${totals.join(' | ')} |`,
    )
    console.log(`| KB for a phone | | ${ways.map(({ result }) => (result.bytes / 1000).toFixed(0)).join(' | ')} |`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

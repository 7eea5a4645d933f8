import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngines } from '../../src/cli/engines.ts'
import { editDistance } from '../../src/cli/evaluate.ts'
import { openFolder } from '../../src/cli/pack/open-folder.ts'
import { writePack } from '../../src/cli/pack/write-pack.ts'
import type { Answer } from '../../src/protocol/task.ts'
import { startCalls } from '../../src/runtime/feeding.ts'
import { openSession } from '../../src/runtime/open-session.ts'
import { taskFor } from '../../src/tasks/table.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import type { KitPage } from '../helpers/kit-page/main.ts'
import { leaveNetwork, openKitPage, serveKitPage } from '../helpers/kit-page.ts'
import { buildReal, inputOf, materialBytes, type Question, type RealPack, realPacks } from '../helpers/real-packs.ts'
import { hasMaterials } from '../helpers/sample-inputs.ts'
import type { FolderServer } from '../helpers/serve-folder.ts'
import { throwAwaySigner } from '../helpers/synthetic-pack.ts'
import { drawTextPages, TEXT_PAGES, type TextPage } from '../helpers/text-pages.ts'

declare const page: KitPage

if (!hasMaterials) console.warn('Tasks in Chromium: skipped, there is no shared/materials beside the project.')

const TYPES: Readonly<Record<string, string>> = { jpg: 'image/jpeg', wav: 'audio/wav', png: 'image/png' }

const given = ({ file, text }: Question) =>
  file === undefined
    ? { text: text ?? '' }
    : { base64: Buffer.from(materialBytes(file)).toString('base64'), type: TYPES[file.split('.').at(-1) ?? ''] ?? '' }

/** The answers of Node, with the very pack that the browser installs. */
async function nodeAnswers(packs: string, { name, questions }: RealPack, key: string): Promise<Answer[]> {
  const { manifest, read } = await openFolder(join(packs, name), [key])
  const [variant] = manifest.variants
  if (!variant) throw new Error('no variant')
  const { session } = await openSession(variant, manifest, createEngines().backends, read)
  const task = await taskFor(manifest, read)
  const answers: Answer[] = []
  for (const question of questions) {
    answers.push(await task.run(await inputOf(question, manifest.input), startCalls(session, manifest)))
  }
  await session.dispose()
  return answers
}

/** Every number of an answer, in order: where all else is the same, how far apart two answers are. */
function numbersOf(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(numbersOf)
}

/** What remains when the numbers are left out. */
const wordsOf = (answer: Answer): string =>
  JSON.stringify(answer, (_, value) => (typeof value === 'number' ? 0 : value))

describe.runIf(hasMaterials)('every kind of task in Chromium, offline', () => {
  let packs: string
  let server: FolderServer
  let opened: { context: BrowserContext; profile: string }
  let tab: Page
  const real = hasMaterials ? realPacks() : []
  const wanted = new Map<string, Answer[]>()
  let drawn: string[]
  let drawnAnswers: Answer[]

  beforeAll(async () => {
    packs = await mkdtemp(join(tmpdir(), 'jiko-packs-'))
    const signer = await throwAwaySigner()
    const engines = createEngines()
    for (const pack of real) {
      await writePack(packs, await buildReal(pack, engines, signer))
      wanted.set(pack.name, await nodeAnswers(packs, pack, signer.key))
    }
    drawn = await drawTextPages(packs)
    const reads: RealPack = {
      ...(real.find(({ name }) => name === 'page') as RealPack),
      questions: drawn.map((path) => ({ path, right: () => true })),
    }
    drawnAnswers = await nodeAnswers(packs, reads, signer.key)
    server = await serveKitPage(packs, [signer.key])
    opened = await openProfile()
    tab = await opened.context.newPage()
    await openKitPage(tab, server)
    for (const { name } of real) expect(await tab.evaluate((pack) => page.install(pack), name)).toBe('ready')
    await leaveNetwork(tab, server)
  })
  afterAll(async () => {
    await opened?.context.close()
    if (opened) await deleteProfile(opened.profile)
    await server?.close().catch(() => undefined)
    if (packs) await rm(packs, { recursive: true, force: true })
  })

  it.each(real)('$name ($source.task) answers as Node does', async ({ name, source, questions }) => {
    for (const [i, question] of questions.entries()) {
      const asked = await tab.evaluate(([pack, what]) => page.ask(pack, what), [name, given(question)] as const)
      if ('code' in asked) throw new Error(`${question.file}: ${asked.code}`)
      const { answer, body, kept, backend } = asked
      const node = wanted.get(name)?.[i] as Answer
      expect(question.right(answer), JSON.stringify(answer).slice(0, 400)).toBe(true)
      const [a, b] = [numbersOf(answer), numbersOf(node)]
      const apart = a.reduce((most, value, k) => Math.max(most, Math.abs(value - (b[k] ?? Number.NaN))), 0)
      console.log(`${name} on ${backend}: ${question.file ?? question.text}: ${apart.toExponential(1)} apart`)
      if (source.input?.kind === 'image') {
        // Small nets see a photo that was decoded small already; all others the very same pixels.
        expect(headOf(answer)).toEqual(headOf(node))
        expect(apart).toBeLessThan(0.1)
      } else {
        expect(wordsOf(answer)).toBe(wordsOf(node))
        expect(apart).toBeLessThan(1e-6)
      }
      expect(body).toMatchObject({ kind: 'result', task: source.task, pack: { name }, answer: { kind: answer.kind } })
      const roles = { image: ['input', 'preview'], audio: ['input'], text: ['input'], bytes: [] }
      expect(Object.keys(kept)).toEqual(roles[source.input?.kind ?? 'image'])
      expect(Object.values(kept).every((size) => size > 0)).toBe(true)
    }
  })

  it('reads pages that stand askew, on their heads or in the shade, bit for bit as Node does', async () => {
    let [wrong, all] = [0, 0]
    for (const [i, file] of drawn.entries()) {
      const { name, lines } = TEXT_PAGES[i] as TextPage
      const bytes = await readFile(file)
      const asked = await tab.evaluate(([what]) => page.ask('page', what), [
        { base64: bytes.toString('base64'), type: 'image/png' },
      ] as const)
      if ('code' in asked) throw new Error(`${name}: ${asked.code}`)
      const { answer } = asked
      if (answer.kind !== 'text') throw new Error(answer.kind)
      const [written, read] = [lines.join('\n'), answer.text]
      const errors = editDistance(written, read)
      console.log(
        `${name}: ${written.length - errors} of ${written.length} characters ${errors ? JSON.stringify(read) : ''}`,
      )
      wrong += errors
      all += written.length
      expect(errors / written.length).toBeLessThan(0.1)
      expect(answer).toEqual(drawnAnswers[i])
    }
    console.log(`all pages: ${(100 * (1 - wrong / all)).toFixed(1)} % of ${all} characters`)
    expect(wrong / all).toBeLessThan(0.03)
  })

  it('says while it writes what it has so far', async () => {
    const { heard, text } = await tab.evaluate(() => page.write('writer', 'water the'))
    expect(heard.at(-1)).toBe(text)
    expect(heard).toHaveLength(12)
    expect(heard.every((part) => text.startsWith(part))).toBe(true)
  })

  it.each([
    ['keywords', { text: 'a word' }, 'input/wrong-kind'],
    ['imagenet', { text: 'a word' }, 'input/wrong-kind'],
    ['keywords', { base64: btoa('no sound at all'), type: 'audio/ogg' }, 'input/not-a-sound'],
    ['keywords', { base64: btoa('RIFF1234WAVEfmt '), type: 'audio/wav' }, 'input/not-a-sound'],
    ['file-type', { base64: '', type: '' }, 'input/empty'],
    ['writer', { text: '' }, 'input/no-words'],
    ['writer', { text: 'x'.repeat(64) }, 'input/too-long'],
  ])('%s says what is wrong with %o, and keeps nothing', async (name, what, code) => {
    const before = await tab.evaluate(() => page.records())
    expect(await tab.evaluate(([pack, question]) => page.ask(pack, question), [name, what] as const)).toEqual({ code })
    expect(await tab.evaluate(() => page.records())).toBe(before)
  })
})

/** What a person is told: labels and text. */
function headOf(answer: Answer): unknown {
  switch (answer.kind) {
    case 'classes':
      return [answer.label, answer.sure, answer.known]
    case 'boxes':
      return answer.boxes.map(({ label }) => label)
    case 'text':
      return answer.text
    default:
      return answer.kind
  }
}

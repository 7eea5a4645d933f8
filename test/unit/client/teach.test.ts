import { describe, expect, it } from 'vitest'
import { openPack } from '../../../src/client/open-pack.ts'
import { createPacks } from '../../../src/client/packs.ts'
import { createRecords } from '../../../src/client/records.ts'
import { createTaughtPacks } from '../../../src/client/taught-packs.ts'
import { createTeach } from '../../../src/client/teach.ts'
import type { WorkerCall, WorkerHost } from '../../../src/client/worker-host.ts'
import { utf8 } from '../../../src/lib/bytes.ts'
import { sha256Hex } from '../../../src/lib/sha256.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import { parseSignedManifest } from '../../../src/protocol/manifest.ts'
import type { Moment } from '../../../src/protocol/record.ts'
import type {
  InstalledPack,
  RunInput,
  RunOptions,
  RunResult,
  TaughtExamples,
  WorkerApi,
} from '../../../src/protocol/worker.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import { packHead } from '../../../src/tasks/teach/head.ts'
import { train } from '../../../src/tasks/teach/train.ts'
import { syntheticPack } from '../../helpers/synthetic-pack.ts'

const moment = (): Moment => ({ wall: 1_700_000_000_000, mono: 5, session: 'abc', zone: 180 })

/** What the fake model sees in a text: its letters counted. */
const see = (text: string): number[] => [...'abcdefgh'].map((letter) => text.split(letter).length - 1 + 0.01)

/** A phone with a pack that sees; `seeing` is another version of it after `update()`. */
async function phone() {
  const { text, digest } = await syntheticPack()
  const signed = parseSignedManifest(text)
  const output = { kind: 'classes', tensor: 'logits', activation: 'logits', features: 'features' } as const
  const teaching = { ...signed, manifest: { ...signed.manifest, output } }
  const installed: InstalledPack[] = [
    { name: 'leaf', version: '1.0.0', digest, state: 'ready', bytes: 1, have: 1, signed: teaching },
  ]
  const seeing = { digest, variant: 'int8' }
  const api = {
    list: async () => installed,
    offers: async () => ({ packs: [], updates: [] }),
    check: async () => false,
    pending: async () => [],
    evicted: async () => [],
    async open(_job: string, name: string) {
      const pack = installed.find((one) => one.name === name)
      if (!pack) throw new JikoError('pack/absent', 'not here')
      return { ...seeing, backend: 'nano 1 (dot)', manifest: pack.signed.manifest }
    },
    async run(
      _job: string,
      _name: string,
      input: RunInput,
      _onText: unknown,
      { features }: RunOptions,
    ): Promise<RunResult> {
      const given = input instanceof Blob ? await input.text() : String(input)
      if (!features) throw new Error('only vectors are asked for here')
      return {
        answer: { kind: 'embedding', values: see(given) },
        attachments: [
          { role: 'preview', type: 'text/plain', bytes: utf8(given), sha256: await sha256Hex(utf8(given)) },
        ],
        packDigest: seeing.digest,
        variant: seeing.variant,
        backend: 'nano 1 (dot)',
        prep: '1',
        threshold: 0.5,
        decodeMs: 0,
        ms: 1,
      }
    },
    async train(_job: string, classes: readonly TaughtExamples[]) {
      const { learnt, ...rest } = train(classes)
      return { head: packHead(learnt), ...rest }
    },
  }
  const host: WorkerHost = {
    call: <T>(work: WorkerCall<T>) => work(api as unknown as Parameters<WorkerCall<T>>[0], '1', undefined),
    warm: () => undefined,
    recycle: () => undefined,
  }
  const store = await openMemoryStore()
  const settings = { get: store.getSetting, set: store.setSetting }
  const deps = { host, store, moment, onWritten: () => undefined }
  return {
    store,
    installed,
    seeing,
    settings,
    deps,
    teach: createTeach(deps),
    packs: createPacks({
      host,
      base: new URL('https://hub.example/packs/'),
      settings,
      taught: createTaughtPacks(settings, () => store.signer.key),
    }),
    open: (name: string) => openPack(name, deps).opened,
    records: createRecords(deps),
  }
}
type Phone = Awaited<ReturnType<typeof phone>>

const EXAMPLES = { aphids: ['aaab', 'aaac', 'aaaa', 'aaad'], beetles: ['bbba', 'bbbc', 'bbbb', 'bbbd'] }

async function lessonOn({ teach }: Phone, examples: Record<string, string[]> = EXAMPLES) {
  const { id } = await teach.begin('leaf', 'Pests of my field')
  for (const [name, texts] of Object.entries(examples)) {
    const lesson = await teach.addClass(id, name)
    const added = lesson.classes.at(-1)?.id ?? ''
    for (const text of texts) await teach.addExample(id, added, new Blob([text]))
  }
  return id
}

/** A file with one thing changed in its first line. */
async function tampered(file: File, from: string, to: string): Promise<Blob> {
  const text = await file.text()
  expect(text).toContain(from)
  return new Blob([text.replace(from, to)])
}

describe('an example in which faces are to be hidden', () => {
  it('is not taken where nobody could look for them: it would be kept with its picture', async () => {
    const mine = await phone()
    const blind: WorkerHost = {
      ...mine.deps.host,
      call: (work) =>
        mine.deps.host.call((api, job, onProgress) => {
          const run = async (...asked: Parameters<WorkerApi['run']>): Promise<RunResult> => ({
            ...(await api.run(...asked)),
            attachments: [],
            faces: { unkept: 'pack/absent' },
          })
          return work({ ...api, run } as unknown as typeof api, job, onProgress)
        }),
    }
    const teach = createTeach({ ...mine.deps, host: blind })
    const { id } = await teach.begin('leaf', 'Pests of my field')
    const which = (await teach.addClass(id, 'aphids')).classes[0]?.id ?? ''
    await expect(teach.addExample(id, which, new Blob(['aaab']))).rejects.toMatchObject({ code: 'teach/faces' })
    expect((await teach.list())[0]?.classes[0]?.examples).toEqual([])
  })
})

describe('teaching', () => {
  it('gives a pack that answers like any other, with a record of the lesson and of each answer', async () => {
    const mine = await phone()
    const id = await lessonOn(mine)
    const { taught } = await mine.teach.train(id, { maker: ' Amina ' })
    expect(taught).toMatchObject({
      pack: `taught-${id}`,
      version: '1.0.0',
      stale: false,
      estimate: { right: 8, of: 8 },
    })
    const offers = await mine.packs.list()
    expect(offers.at(-1)).toMatchObject({
      name: `taught-${id}`,
      state: 'ready',
      title: { en: 'Pests of my field' },
      taught: { own: true, maker: 'Amina', base: 'leaf', ready: 'ready' },
    })
    const pack = await mine.open(`taught-${id}`)
    const { answer, record } = await pack.run(new Blob(['aaaab']))
    expect(answer).toMatchObject({ kind: 'classes', label: 'aphids', known: true })
    expect(record.body.pack).toEqual({ name: `taught-${id}`, version: '1.0.0', digest: offers.at(-1)?.digest })
    expect(await mine.records.list()).toEqual([record])
    const [lesson] = await mine.store.list({ kind: 'lesson' })
    expect(lesson?.body).toMatchObject({
      kind: 'lesson',
      title: 'Pests of my field',
      pack: { name: `taught-${id}`, digest: offers.at(-1)?.digest },
      from: { name: 'leaf' },
      labels: [
        { id: 'aphids', examples: 4 },
        { id: 'beetles', examples: 4 },
      ],
      estimate: { right: 8, of: 8 },
    })
    const [file] = lesson?.body.kind === 'lesson' ? lesson.body.attachments : []
    expect(await (await mine.store.attachment(file?.sha256 ?? ''))?.text()).toBe(
      await (await mine.packs.exportFile(`taught-${id}`)).text(),
    )
  })

  it('is there again after the page was killed: examples, classes and what came of it', async () => {
    const mine = await phone()
    const id = await lessonOn(mine)
    await mine.teach.train(id)
    const again = createTeach(mine.deps)
    const [lesson] = await again.list()
    expect(lesson).toMatchObject({ id, base: 'leaf', taught: { version: '1.0.0' } })
    expect(await (await again.example(lesson?.classes[0]?.examples[1] ?? ''))?.text()).toBe('aaac')
    expect((await again.train(id)).taught?.version).toBe('1.0.1')
  })

  it('undoes an example, a class and a lesson, and says that what was taught is no longer what they say', async () => {
    const mine = await phone()
    const id = await lessonOn(mine)
    const { classes } = await mine.teach.train(id)
    const gone = classes[0]?.examples[0] ?? ''
    expect((await mine.teach.removeExample(id, gone)).taught?.stale).toBe(true)
    expect(await mine.teach.example(gone)).toBeUndefined()
    const left = await mine.teach.removeClass(id, 'aphids')
    expect(left.classes.map((one) => one.id)).toEqual(['beetles'])
    await expect(mine.teach.train(id)).rejects.toMatchObject({ code: 'teach/one-class' })
    expect(await mine.teach.example(classes[0]?.examples[1] ?? '')).toBeUndefined()
    await mine.teach.remove(id)
    expect(await mine.teach.list()).toEqual([])
    await expect(mine.teach.addExample(id, 'beetles', new Blob(['b']))).rejects.toMatchObject({ code: 'teach/unknown' })
    // What was made stays: it may be in use.
    expect((await mine.packs.list()).at(-1)?.name).toBe(`taught-${id}`)
    await mine.packs.remove(`taught-${id}`)
    expect((await mine.packs.list()).map(({ name }) => name)).toEqual(['leaf'])
  })

  it('two changes at once are both kept', async () => {
    const mine = await phone()
    const { id } = await mine.teach.begin('leaf', 'Pests')
    const { classes } = await mine.teach.addClass(id, 'aphids')
    const which = classes[0]?.id ?? ''
    await Promise.all(['aa', 'ab', 'ac'].map((text) => mine.teach.addExample(id, which, new Blob([text]))))
    expect((await mine.teach.list())[0]?.classes[0]?.examples).toHaveLength(3)
  })

  it('names classes in any script, and no two alike', async () => {
    const mine = await phone()
    const { id } = await mine.teach.begin('leaf', 'حشرات')
    for (const name of ['من', 'Été', 'ete', 'Leaf rust!']) await mine.teach.addClass(id, name)
    const [lesson] = await mine.teach.list()
    expect(lesson?.classes.map((one) => one.id)).toEqual(['class-1', 'e-te', 'ete', 'leaf-rust'])
    await expect(mine.teach.addClass(id, ' \n ')).rejects.toMatchObject({ code: 'teach/no-name' })
    await expect(mine.teach.begin('leaf', '')).rejects.toMatchObject({ code: 'teach/no-name' })
  })

  it('a pack that was updated since looks at the examples again', async () => {
    const mine = await phone()
    const id = await lessonOn(mine)
    await mine.teach.train(id)
    const before = await mine.open(`taught-${id}`)
    mine.seeing.digest = 'e'.repeat(64)
    await expect(before.run(new Blob(['aaa']))).rejects.toMatchObject({ code: 'teach/base-changed' })
    expect(await mine.records.list()).toEqual([])
    await mine.teach.train(id)
    const after = await mine.open(`taught-${id}`)
    expect((await after.run(new Blob(['aaa']))).answer).toMatchObject({ label: 'aphids' })
  })

  it('needs a pack that sees', async () => {
    const mine = await phone()
    await expect(mine.teach.begin('nothing', 'Pests')).rejects.toMatchObject({ code: 'pack/not-installed' })
    const [leaf] = mine.installed
    if (leaf) leaf.signed = { ...leaf.signed, manifest: parseSignedManifest((await syntheticPack()).text).manifest }
    await expect(mine.teach.begin('leaf', 'Pests')).rejects.toMatchObject({ code: 'teach/no-features' })
  })
})

describe('a taught pack in other hands', () => {
  async function shared() {
    const mine = await phone()
    const id = await lessonOn(mine)
    await mine.teach.train(id, { maker: 'Amina' })
    return { mine, id, name: `taught-${id}`, file: await mine.packs.exportFile(`taught-${id}`) }
  }

  it('answers the same, and says who made it', async () => {
    const { mine, name, file } = await shared()
    const theirs = await phone()
    expect(file.name).toBe('Pests-of-my-field-1.0.0.jikopack')
    expect(await theirs.packs.importFile(file)).toMatchObject({ name, state: 'ready' })
    expect((await theirs.packs.list()).at(-1)?.taught).toMatchObject({
      maker: 'Amina',
      own: false,
      key: mine.store.signer.key.slice(-6),
    })
    for (const text of ['aaab', 'bbbc', 'abab', 'hhhh']) {
      const [here, there] = [await mine.open(name), await theirs.open(name)]
      expect((await there.run(new Blob([text]))).answer).toEqual((await here.run(new Blob([text]))).answer)
    }
    // What is none of these is called so by both.
    expect((await (await theirs.open(name)).run(new Blob(['hhhh']))).answer).toMatchObject({ known: false })
  })

  it('says so where the pack that it builds on is missing, or another version', async () => {
    const { name, file } = await shared()
    const theirs = await phone()
    theirs.installed[0] = { ...(theirs.installed[0] as InstalledPack), digest: 'f'.repeat(64) }
    await theirs.packs.importFile(file)
    expect((await theirs.packs.list()).at(-1)?.taught?.ready).toBe('other')
    theirs.installed.pop()
    expect((await theirs.packs.list()).at(-1)?.taught?.ready).toBe('absent')
    await expect(theirs.open(name)).rejects.toMatchObject({ code: 'pack/not-installed', detail: { name: 'leaf' } })
  })

  it.each([
    ['another title', '"title":"Pests of my field"', '"title":"Pests of her field"', 'teach/changed'],
    ['another base', '"name":"leaf"', '"name":"evil"', 'teach/changed'],
    ['a name of a programme’s pack', '"name":"taught-', '"name":"coffee-', 'teach/bad-pack'],
    ['a head of another size', '"size":8', '"size":9', 'teach/bad-pack'],
    ['a field that nobody knows', '"labels":', '"run":"code","labels":', 'teach/bad-pack'],
    ['no signature', '\n{"alg"', '\n{"olg"', 'teach/bad-pack'],
  ])('with %s is refused, and nothing is kept of it', async (_, from, to, code) => {
    const { file } = await shared()
    const theirs = await phone()
    await expect(theirs.packs.importFile(await tampered(file, from, to))).rejects.toMatchObject({ code })
    expect((await theirs.packs.list()).map(({ name }) => name)).toEqual(['leaf'])
  })

  it('that is too large or cut off is refused', async () => {
    const { file } = await shared()
    const theirs = await phone()
    const huge = new Blob([await file.text(), ' '.repeat(1 << 20)])
    await expect(theirs.packs.importFile(huge)).rejects.toMatchObject({ code: 'teach/bad-pack' })
    await expect(theirs.packs.importFile(file.slice(0, 500))).rejects.toMatchObject({ code: 'teach/bad-pack' })
  })

  it('takes the place of an older one of the same phone only', async () => {
    const { mine, id, name, file } = await shared()
    const theirs = await phone()
    await mine.teach.train(id)
    const newer = await mine.packs.exportFile(name)
    expect(await theirs.packs.importFile(file)).toMatchObject({ version: '1.0.0' })
    expect(await theirs.packs.importFile(newer)).toMatchObject({ version: '1.0.1' })
    await expect(theirs.packs.importFile(file)).rejects.toMatchObject({ code: 'teach/older' })
    const { signer } = (await phone()).store
    const line = (await newer.text()).split('\n')[0] ?? ''
    const forged = { alg: 'ES256', key: signer.key, signature: await signer.sign(utf8(line)) }
    const imitation = new Blob([`${line}\n${JSON.stringify(forged)}\n`])
    await expect(theirs.packs.importFile(imitation)).rejects.toMatchObject({ code: 'teach/other-maker' })
  })
})

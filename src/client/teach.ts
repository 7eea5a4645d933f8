import { type Bytes, randomBytes, toBase32 } from '../lib/bytes.ts'
import { createSerial } from '../lib/serial.ts'
import { sha256Hex } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import type { LessonBody, Moment } from '../protocol/record.ts'
import type { Signer } from '../protocol/sign.ts'
import { MOST_CLASSES, MOST_EXAMPLES, TAUGHT_FORMAT, type TaughtPack } from '../protocol/taught.ts'
import type { RunInput, RunResult } from '../protocol/worker.ts'
import type { RecordStore } from '../store/store.ts'
import { askPack, findBase } from './ask-pack.ts'
import type { Kit, Lesson, LessonClass, Operation } from './kit.ts'
import { listAttachments } from './result.ts'
import { openTaughtRoom, TAUGHT_TYPE } from './taught-room.ts'
import type { WorkerHost } from './worker-host.ts'

const LESSONS = 'teach.lessons'
const lessonKey = (id: string): string => `teach.lesson.${id}`
const exampleKey = (name: string): string => `teach.example.${name}`

export interface TeachDeps {
  host: WorkerHost
  store: Pick<RecordStore, 'getSetting' | 'setSetting' | 'append'> & { signer: Signer }
  moment(): Moment
  onWritten(): void
}

/** What is kept of an example: what the model saw, by which program, and a small picture, sound or text to look at again. */
interface Example {
  values: Float32Array
  digest: string
  variant: string
  type: string
  bytes: Bytes
}

const unknown = (what: string): JikoError => new JikoError('teach/unknown', `there is no ${what}: it was taken away`)

/** Lessons on this phone. With all it needs a file of its own, fetched when somebody teaches. */
export function createTeach({ host, store, moment, onWritten }: TeachDeps): Kit['teach'] {
  const settings = { get: store.getSetting, set: store.setSetting }
  const room = openTaughtRoom(settings, () => store.signer.key)
  // Each change reads what the one before it wrote.
  const serial = createSerial()

  async function ids(): Promise<string[]> {
    const saved = await store.getSetting(LESSONS)
    return Array.isArray(saved) ? saved.map(String) : []
  }

  async function get(id: string): Promise<Lesson> {
    const lesson = (await store.getSetting(lessonKey(id))) as Lesson | undefined
    if (!lesson) throw unknown('such lesson')
    return lesson
  }

  async function put(lesson: Lesson): Promise<Lesson> {
    await store.setSetting(lessonKey(lesson.id), lesson)
    return lesson
  }

  /** What was taught before no longer says what the examples say. */
  const changed = (lesson: Lesson, classes: readonly LessonClass[]): Lesson => ({
    ...lesson,
    classes,
    ...(lesson.taught && { taught: { ...lesson.taught, stale: true } }),
  })

  const drop = (names: readonly string[]): Promise<unknown> =>
    Promise.all(names.map((name) => store.setSetting(exampleKey(name), undefined)))

  async function see(base: string, input: RunInput, operation: Operation): Promise<RunResult> {
    const { takes } = await findBase(base, host)
    return askPack({ name: base, takes }, input, operation, { features: true }, host)
  }

  function exampleOf({ answer, attachments, packDigest, variant, faces }: RunResult): Example {
    if (faces?.unkept !== undefined)
      throw new JikoError(
        'teach/faces',
        `an example is kept with its picture, in which nobody could look for faces: ${faces.unkept}`,
      )
    if (answer.kind !== 'embedding') throw new JikoError('teach/no-features', 'the pack gave no vector to learn from')
    const kept = attachments.find(({ role }) => role === 'preview') ?? attachments[0]
    const { type = '', bytes = new Uint8Array() } = kept ?? {}
    return { values: Float32Array.from(answer.values), digest: packDigest, variant, type, bytes }
  }

  async function example(name: string): Promise<Example> {
    const kept = (await store.getSetting(exampleKey(name))) as Example | undefined
    if (!kept) throw unknown('such example')
    return kept
  }

  /** Examples that an earlier version of the pack saw are shown to the one that is here. */
  async function upToDate(lesson: Lesson, now: Pick<Example, 'digest' | 'variant'>, signal?: AbortSignal) {
    const examples = new Map<string, Float32Array>()
    for (const name of lesson.classes.flatMap((one) => one.examples)) {
      let one = await example(name)
      if (one.digest !== now.digest || one.variant !== now.variant) {
        const given = new Blob([one.bytes], { type: one.type })
        one = exampleOf(await see(lesson.base, given, { ...(signal && { signal }) }))
        await store.setSetting(exampleKey(name), one)
      }
      examples.set(name, one.values)
    }
    return examples
  }

  return {
    async list() {
      const lessons = await Promise.all((await ids()).map((id) => store.getSetting(lessonKey(id))))
      return lessons.filter((lesson) => lesson !== undefined) as Lesson[]
    },

    begin: (base, title) =>
      serial(async () => {
        const { teaches } = await findBase(base, host)
        if (!teaches)
          throw new JikoError('teach/no-features', `nothing can be taught from ${base}: it shows no vectors`)
        const lesson = await put({ id: toBase32(randomBytes(10)), title: titleOf(title), base, classes: [] })
        await store.setSetting(LESSONS, [...(await ids()), lesson.id])
        return lesson
      }),

    addClass: (id, name, { none = false } = {}) =>
      serial(async () => {
        const lesson = await get(id)
        if (lesson.classes.length >= MOST_CLASSES)
          throw new JikoError('teach/too-many', `at most ${MOST_CLASSES} classes can be told apart in a lesson`)
        const added = {
          id: idOf(name, lesson.classes),
          name: titleOf(name),
          ...(none && { none }),
          examples: [],
        }
        return put(changed(lesson, [...lesson.classes, added]))
      }),

    removeClass: (id, which) =>
      serial(async () => {
        const lesson = await get(id)
        const gone = lesson.classes.find((one) => one.id === which)
        const left = await put(
          changed(
            lesson,
            lesson.classes.filter((one) => one !== gone),
          ),
        )
        await drop(gone?.examples ?? [])
        return left
      }),

    async addExample(id, which, input, operation = {}) {
      const before = (await get(id)).classes.find((one) => one.id === which)
      if (!before) throw unknown('such class')
      if (before.examples.length >= MOST_EXAMPLES)
        throw new JikoError('teach/too-many', `"${before.name}" has ${MOST_EXAMPLES} examples: that is enough`)
      const seen = exampleOf(await see((await get(id)).base, input, operation))
      return serial(async () => {
        const lesson = await get(id)
        const name = `${id}.${toBase32(randomBytes(5))}`
        await store.setSetting(exampleKey(name), seen)
        const classes = lesson.classes.map((one) =>
          one.id === which ? { ...one, examples: [...one.examples, name] } : one,
        )
        return put(changed(lesson, classes))
      })
    },

    removeExample: (id, name) =>
      serial(async () => {
        const lesson = await get(id)
        const classes = lesson.classes.map((one) => ({
          ...one,
          examples: one.examples.filter((each) => each !== name),
        }))
        const left = await put(changed(lesson, classes))
        await drop([name])
        return left
      }),

    async example(name) {
      const kept = (await store.getSetting(exampleKey(name))) as Example | undefined
      return kept && new Blob([kept.bytes], { type: kept.type })
    },

    train: (id, { maker, signal } = {}) =>
      serial(async () => {
        const operation = { ...(signal && { signal }) }
        const lesson = await get(id)
        const { manifest } = await findBase(lesson.base, host)
        const now = await host.call((api, job) => api.open(job, lesson.base), operation)
        const values = await upToDate(lesson, now, signal)
        const classes = lesson.classes.map((one) => ({
          id: one.id,
          none: one.none === true,
          vectors: one.examples.map((name) => values.get(name) as Float32Array),
        }))
        const { head, method, decision, estimate } = await host.call((api, job) => api.train(job, classes), operation)
        const pack: TaughtPack = {
          format: TAUGHT_FORMAT,
          name: lesson.taught?.pack ?? `taught-${id}`,
          version: nextVersion(lesson.taught?.version),
          title: lesson.title,
          ...(maker?.trim() && { maker: maker.trim().slice(0, 60) }),
          labels: lesson.classes.map(({ id: label, name, none }) => ({
            id: label,
            name: { en: name },
            ...(none && { none }),
          })),
          base: {
            name: manifest.name,
            version: manifest.version,
            digest: now.digest,
            variant: now.variant,
            title: manifest.title,
          },
          head,
          decision,
          estimate,
        }
        const made = await room.make(pack, store.signer)
        await record(lesson, made, method)
        onWritten()
        const taught = { pack: pack.name, version: pack.version, method, estimate, stale: false }
        return put({ ...lesson, taught })
      }),

    remove: (id) =>
      serial(async () => {
        const lesson = await get(id)
        await store.setSetting(
          LESSONS,
          (await ids()).filter((one) => one !== id),
        )
        await store.setSetting(lessonKey(id), undefined)
        await drop(lesson.classes.flatMap(({ examples }) => examples))
      }),
  }

  async function record(
    lesson: Lesson,
    { pack, text, digest }: { pack: TaughtPack; text: string; digest: string },
    method: string,
  ) {
    const bytes = new TextEncoder().encode(text)
    const file = { role: 'output' as const, type: TAUGHT_TYPE, bytes, sha256: await sha256Hex(bytes) }
    const { stored, listed } = listAttachments({ attachments: [file] })
    const { name, version, base, estimate } = pack
    const body: LessonBody = {
      v: 1,
      kind: 'lesson',
      at: moment(),
      pack: { name, version, digest },
      from: { name: base.name, version: base.version, digest: base.digest },
      title: lesson.title,
      labels: lesson.classes.map(({ id, name: called, none, examples }) => ({
        id,
        name: called,
        ...(none && { none }),
        examples: examples.length,
      })),
      method,
      estimate: { right: estimate.right, of: estimate.of },
      attachments: listed,
    }
    await store.append(body, stored)
  }
}

/** As people type it: one line, not long. @throws JikoError `teach/no-name` */
function titleOf(text: string): string {
  const title = text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 80)
  if (title) return title
  throw new JikoError('teach/no-name', 'it needs a name')
}

/** What records call it: of its letters where they are those of records, else by number. */
function idOf(name: string, classes: readonly LessonClass[]): string {
  const letters = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40)
  const taken = (id: string): boolean => classes.some((one) => one.id === id)
  if (letters && !taken(letters)) return letters
  for (let number = classes.length + 1; ; number++) {
    const id = `${letters || 'class'}-${number}`
    if (!taken(id)) return id
  }
}

const nextVersion = (version: string | undefined): string =>
  `1.0.${version === undefined ? 0 : Number(version.split('.')[2]) + 1}`

import { findAlike } from '../../src/client/alike.ts'
import type { Actor, Budget, HistoryEntry, Kit, Lesson, OpenPack, PackOffer, Place } from '../../src/client/kit.ts'
import { runAll } from '../../src/client/run-all.ts'
import { createSignal } from '../../src/client/signal.ts'
import { sleep } from '../../src/lib/abort.ts'
import { toHex } from '../../src/lib/bytes.ts'
import { sha256Hex } from '../../src/lib/sha256.ts'
import { encodeWav } from '../../src/lib/wav.ts'
import { recordedAnswer, recordedScores } from '../../src/protocol/answer.ts'
import { clipPath } from '../../src/protocol/clips.ts'
import { type ErrorCode, JikoError } from '../../src/protocol/error.ts'
import type { Form } from '../../src/protocol/form.ts'
import type { Label } from '../../src/protocol/manifest.ts'
import type { Faces, RecordState } from '../../src/protocol/record.ts'
import type { Answer } from '../../src/protocol/task.ts'
import { createFakeTeach } from './fake-teach.ts'
import { syncStatus } from './sync-status.ts'
import { tone } from './tone.ts'

/** Where and how the fake stands at its start, and what it does when asked. */
export interface FakeOptions {
  installed?: boolean
  /** Answers already there, newest first. */
  history?: {
    label: string
    score: number
    state: RecordState
    corrected?: string
    photo?: Blob
    place?: Place
    notes?: string[]
    /** Days before today. */
    daysAgo?: number
    /** Faces were hidden in its photo, and nobody has looked at it. */
    unseen?: boolean
  }[]
  /** What the next photos are answered with. */
  answer?: { label: string; score: number }
  /** What the one pack takes. Default: `image`. */
  takes?: OpenPack['takes']
  /** In place of `answer`, where it is of another kind. */
  answerAs?: Answer
  listenError?: ErrorCode
  /** `run` fails with this instead. */
  runError?: ErrorCode
  installError?: ErrorCode
  openError?: ErrorCode
  /** Milliseconds of each step; `Infinity` stays there until aborted. */
  delay?: number
  update?: boolean
  /** What more is known of the one pack: an update, a pause, a loss. */
  pack?: Partial<PackOffer>
  /** Packs on offer besides, none of them here. */
  others?: Pick<PackOffer, 'name' | 'bytes'>[]
  metered?: boolean
  syncError?: ErrorCode
  enrolError?: ErrorCode
  lastContact?: number
  now?: () => number
  /** Lessons that are there. */
  lessons?: Lesson[]
  /** Names of who uses the phone; each with the PIN 2468 where it ends in `*`. */
  people?: string[]
  /** Questions that the one pack asks after an answer. */
  form?: Form
  /** What became of the faces in each photo; where it was not kept, it is not. */
  faces?: Faces
  /** The PIN in front of the app. */
  lock?: string
  /** Languages that the one pack has recorded, and what of that is on the phone. */
  clips?: Record<string, 'here' | 'away' | 'unreadable'>
  /** Of all that is recorded in one language. */
  clipBytes?: number
  clipError?: ErrorCode
  /** Fetching it never ends, until it is stopped. */
  clipDelay?: 'forever'
}

const THRESHOLD = 0.5
const BYTES = 402_000
/** Bytes a second: EDGE. */
const RATE = 18_750
/** Of everybody in `people` who has one. */
const PIN = '2468'

const known = (fields: Record<string, string | number | boolean | null>) =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [[name, value]])))

const label = (id: string, en: string, sw: string, advice: { en: string; sw: string }): Label => ({
  id,
  name: { en, sw },
  advice,
})

export const FAKE_LABELS: readonly Label[] = [
  label('healthy', 'Healthy leaf', 'Jani lenye afya', {
    en: 'No sign of the four problems this tool knows. Look at the leaves, also underneath, every week or two.',
    sw: 'Hakuna dalili za matatizo manne ambayo zana hii inayatambua. Kagua majani kila baada ya wiki moja au mbili.',
  }),
  label('leaf_miner', 'Leaf miner', 'Kidomozi (kiwavi mchimba majani)', {
    en: 'Small caterpillars eat inside the leaf. If few leaves are hit, pick and destroy them.',
    sw: 'Viwavi wadogo hula ndani ya jani. Majani yaliyoathirika yakiwa machache, yachume na uyaharibu.',
  }),
  label('rust', 'Leaf rust', 'Kutu ya majani', {
    en: 'A fungus: look for orange powder under the leaf. Prune after harvest so that air passes, weed, feed the trees.',
    sw: 'Ni ugonjwa wa ukungu: tafuta unga wa rangi ya machungwa upande wa chini wa jani. Pogoa baada ya mavuno.',
  }),
  label('cercospora', 'Brown eye spot (Cercospora)', 'Madoa ya kahawia (Cercospora)', {
    en: 'A fungus that harms most where trees lack food or water.',
    sw: 'Ni ugonjwa wa ukungu unaodhuru zaidi miti iliyokosa virutubisho au maji.',
  }),
]

export interface FakeKit extends Kit {
  /** Calls that the app made, in order. */
  readonly calls: string[]
  /** Every record reaches this state, as if a hub had answered. */
  settle(state: RecordState): void
}

/** A kit in memory that keeps the contract of `src/client/kit.ts`: for looking at screens and for testing the app's own logic. */
export function createFakeKit(options: FakeOptions = {}): FakeKit {
  const { delay = 0, now = Date.now } = options
  const calls: string[] = []
  const photos = new Map<string, Blob>()
  const entries: HistoryEntry[] = []
  const unseen = new Set<string>()
  const listeners = new Set<() => void>()
  const waiting = createSignal(options.update ?? false)
  const status = createSignal(syncStatus())
  const offer: PackOffer = {
    name: 'coffee-leaf',
    version: '1.0.0',
    digest: 'd'.repeat(64),
    state: options.installed ? 'ready' : 'absent',
    bytes: BYTES,
    have: options.installed ? BYTES : 0,
    url: 'packs/coffee-leaf/',
    title: { en: 'Coffee leaf check', sw: 'Ukaguzi wa jani la kahawa' },
    description: {
      en: 'Photograph one whole coffee leaf on a plain, light background. It names the worst of four common problems, or says that it is not sure.',
      sw: 'Piga picha ya jani moja zima la kahawa likiwa juu ya kitu cheupe. Itataja tatizo kubwa zaidi kati ya manne ya kawaida, au itasema kwamba haina uhakika.',
    },
  }

  let budget: Budget = {}
  Object.assign(offer, options.pack)
  const clips = { ...options.clips }
  const { clipBytes = 43_000 } = options
  const recorded = (what: string) =>
    Object.fromEntries(Object.keys(clips).map((language) => [language, `clips/${what}.${language}.wav`]))
  const labels = FAKE_LABELS.map((one) => ({ ...one, ...(options.clips && { clips: recorded(one.id) }) }))

  const fail = (code: ErrorCode | undefined): void => {
    if (code) throw new JikoError(code, `the fake was told to fail with ${code}`)
  }
  const wait = (signal?: AbortSignal): Promise<void> => sleep(Math.min(delay, 2 ** 31 - 1), signal)

  function changed(): void {
    const count = (state: RecordState): number => entries.filter((entry) => entry.state === state).length
    const [local, held, final] = [count('local'), count('held'), count('final')]
    const said = {
      blobsWaiting: unseen.size,
      blobsUnseen: unseen.size,
      allSent: local + held + unseen.size === 0,
      ...(options.lastContact !== undefined && { lastContact: options.lastContact }),
      ...(options.syncError && { lastError: options.syncError }),
    }
    status.set(syncStatus({ local, held, final, ...said }))
    for (const listener of [...listeners]) listener()
  }

  function add(answer: Answer, state: RecordState, sha256: string, wall: number, type = 'image/jpeg'): HistoryEntry {
    const entry: HistoryEntry = {
      id: `abcdefghijklmnop/${entries.length + 1}`,
      state,
      body: {
        v: 1,
        kind: 'result',
        at: { wall, mono: 0, session: 'fake', zone: 0 },
        task: 'image-classification',
        pack: { name: offer.name, version: offer.version, digest: offer.digest },
        variant: 'int8',
        backend: 'fake 1',
        prep: '1',
        answer: recordedAnswer(answer),
        scores: recordedScores(answer),
        threshold: THRESHOLD,
        ms: 12,
        attachments: [{ sha256, type, bytes: photos.get(sha256)?.size ?? 0, role: 'input' }],
      },
    }
    entries.unshift(entry)
    return entry
  }
  const answerOf = ({ label: id, score }: { label: string; score: number }): Answer => ({
    kind: 'classes',
    known: true,
    label: id,
    score,
    sure: score >= THRESHOLD,
    scores: [{ label: id, score }],
  })

  ;[...(options.history ?? [])].reverse().forEach((made, i, all) => {
    const hash = toHex(new Uint8Array(32).fill(i + 1))
    if (made.photo) photos.set(hash, made.photo)
    const entry = add(answerOf(made), made.state, hash, now() - (all.length - i) * 7_000_000)
    if (made.corrected !== undefined) entry.corrected = made.corrected
    if (made.place) entry.body.place = made.place
    if (made.notes) entry.notes = made.notes
    if (made.unseen) {
      entry.body.faces = { hidden: 1 }
      unseen.add(entry.id)
    }
    if (made.daysAgo !== undefined) entry.body.at.wall = now() - made.daysAgo * 86_400_000
  })
  changed()

  const change = (id: string, next: (entry: HistoryEntry) => HistoryEntry): void => {
    const at = entries.findIndex((entry) => entry.id === id)
    const entry = entries[at]
    if (!entry) throw new JikoError('log/unknown-record', `the fake has no record ${id}`)
    entries[at] = next(entry)
    changed()
  }
  const people: Actor[] = (options.people ?? []).map((name, i) => ({
    id: `person-${i + 1}`,
    name: name.replace('*', ''),
    guarded: name.endsWith('*'),
  }))
  let { lock } = options
  const wrongPin = () => new JikoError('input/wrong-pin', 'that is not the PIN', { detail: { seconds: 0 } })

  const openPack: OpenPack = {
    name: offer.name,
    version: offer.version,
    title: offer.title,
    task: 'image-classification',
    takes: options.takes ?? 'image',
    labels,
    threshold: THRESHOLD,
    variant: 'int8',
    backend: 'fake 1',
    async run(input, operation) {
      const isText = typeof input === 'string' || (input instanceof Blob && input.type.startsWith('text/'))
      if (isText !== (options.takes === 'text'))
        throw new JikoError('input/wrong-kind', 'the fake got text where it takes none, or the other way round')
      const given = input instanceof Blob ? input : new Blob([String(input)], { type: 'text/plain' })
      calls.push('run')
      await wait(operation?.signal)
      fail(options.runError)
      const hash = await sha256Hex(await given.arrayBuffer())
      photos.set(hash, given)
      const answer = options.answerAs ?? answerOf(options.answer ?? { label: 'rust', score: 0.94 })
      const record = add(answer, 'local', hash, now(), given.type)
      if (options.faces) record.body.faces = options.faces
      if (options.faces && options.faces.unkept === undefined) unseen.add(record.id)
      if (options.faces?.unkept !== undefined) record.body.attachments = []
      // Only the very same file looks the same to it.
      if (given.type.startsWith('image/')) record.body.likeness = hash.slice(0, 11)
      Object.assign(record.body, await operation?.circumstances)
      changed()
      return { answer, record, pack: openPack }
    },
    runAll: (inputs, { signal, circumstances } = {}) =>
      runAll(
        (input, at) =>
          openPack.run(input, {
            ...(signal && { signal }),
            ...(circumstances && { circumstances: circumstances(at) }),
          }),
        inputs,
        signal,
      ),
  }

  async function open(name: string): Promise<OpenPack> {
    calls.push(`open ${name}`)
    fail(options.openError)
    return openPack
  }

  return {
    calls,
    settle(state) {
      entries.splice(0, entries.length, ...entries.map((entry) => ({ ...entry, state })))
      changed()
    },
    packs: {
      async list() {
        return [
          {
            ...offer,
            ...(offer.state === 'ready' && {
              labels,
              ...(options.clips && { recorded: true, clips: { unsure: recorded('unsure') } }),
              takes: options.takes ?? 'image',
              teaches: true,
              ...(options.form && { form: options.form }),
            }),
          },
          ...(options.others ?? []).map((other) => {
            const { finder: _, ...alike } = offer
            return { ...alike, ...other, state: 'absent' as const, have: 0, url: `packs/${other.name}/` }
          }),
        ]
      },
      async install(url, { signal, onProgress, background } = {}) {
        calls.push(`install ${url}${background ? ' in the background' : ''}`)
        offer.state = 'downloading'
        for (const done of [0, 0.3, 0.62, 1]) {
          offer.have = Math.round(BYTES * done)
          const secondsLeft = (BYTES - offer.have) / RATE
          onProgress?.({ phase: 'download', done: offer.have, total: BYTES, bytesPerSecond: RATE, secondsLeft })
          if (done === 0.3) fail(options.installError)
          if (delay !== Number.POSITIVE_INFINITY || done === 0.62) await wait(signal)
        }
        offer.state = 'ready'
        return { ...offer }
      },
      async check() {
        calls.push('check')
        return true
      },
      async exportFile(name) {
        calls.push(`export ${name}`)
        return new File(['a pack'], `${name}.jikopack`)
      },
      async importFile() {
        calls.push('import')
        fail(options.installError)
        Object.assign(offer, { state: 'ready', have: BYTES })
        return { ...offer }
      },
      usage: async () => ({ today: BYTES, month: 3 * BYTES, metered: options.metered ?? false, ...budget }),
      async setBudget(wanted) {
        budget = wanted
      },
      async remove(name) {
        calls.push(`remove ${name}`)
        offer.state = 'absent'
        offer.have = 0
      },
    },
    clips: {
      async want(language) {
        calls.push(`want ${language}`)
        return false
      },
      stock: async () =>
        Object.fromEntries(
          Object.entries(clips).map(([language, state]) => [
            language,
            { bytes: clipBytes, have: state === 'away' ? 0 : clipBytes, kept: state !== 'away' },
          ]),
        ),
      async get(_, said, language) {
        const path = clipPath({ labels, clips: { unsure: recorded('unsure') } }, said, language)
        if (path === undefined || clips[language] === 'away') return undefined
        if (clips[language] === 'unreadable') return new Blob(['not a sound'], { type: 'audio/ogg' })
        return new Blob([tone(1)], { type: 'audio/wav' })
      },
      async fetch(pack, language, { signal, onProgress, background } = {}) {
        calls.push(`fetch ${pack} in ${language}${background ? ' in the background' : ''}`)
        onProgress?.({
          phase: 'download',
          done: clipBytes / 2,
          total: clipBytes,
          bytesPerSecond: RATE,
          secondsLeft: 1,
        })
        await (options.clipDelay ? sleep(2 ** 31 - 1, signal) : wait(signal))
        fail(options.clipError)
        clips[language] = 'here'
      },
      async drop(pack, language) {
        calls.push(`drop ${pack} in ${language}`)
        clips[language] = 'away'
      },
    },
    async look(_, text) {
      const words = [...`.${text}`]
      return {
        words,
        nexts: [...'aeiou '].map((letter, i) => ({ text: letter, share: 0.4 / (i + 1) })),
        layers: [0, 1].map((layer) => words.map((_, i) => (i % 2 === layer ? 0.4 : 0.1))),
      }
    },
    async hideFaces(finder, photo) {
      calls.push(`hide faces ${finder}`)
      // Nobody finds faces in what has not been decoded, which takes its time.
      if ('createImageBitmap' in globalThis) (await createImageBitmap(photo)).close()
      if (options.faces?.unkept !== undefined) throw new JikoError('input/faces', 'the fake was told to see no faces')
      return { photo, hidden: options.faces?.hidden ?? 0 }
    },
    teach: createFakeTeach(options.lessons, { faceless: options.faces?.unkept !== undefined }),
    async listen({ signal, onLevel }) {
      calls.push('listen')
      onLevel?.(0.2)
      await wait(signal)
      fail(options.listenError)
      return new Blob([encodeWav(new Float32Array(1600), 16_000)], { type: 'audio/wav' })
    },
    open,
    opening: openingOf(open),
    records: {
      async list({ limit = 50, before, actor } = {}) {
        const start = before === undefined ? 0 : entries.findIndex(({ id }) => id === before) + 1
        const theirs = entries
          .slice(start)
          .filter(({ body }) => actor === undefined || body.actor === undefined || body.actor === actor)
        return theirs.slice(0, limit)
      },
      alike: async (ids) => findAlike(ids, entries),
      attachment: async (sha256) => photos.get(sha256),
      async correct(id, patch, { files = {} } = {}) {
        const { label, ...said } = patch
        const named = Object.keys(files).map((field) => [field, 'f'.repeat(64)])
        const fields = { ...said, ...Object.fromEntries(named) }
        calls.push(`correct ${id} ${label ?? JSON.stringify(fields)}`)
        change(id, (entry) => ({
          ...entry,
          ...(typeof label === 'string' && { corrected: label }),
          ...(Object.keys(fields).length > 0 && { fields: { ...entry.fields, ...known(fields) } }),
        }))
      },
      async note(id, text) {
        calls.push(`note ${id} ${text}`)
        change(id, (entry) => ({ ...entry, notes: [...(entry.notes ?? []), text] }))
      },
      async erase(id) {
        calls.push(`erase ${id}`)
        unseen.delete(id)
        entries.splice(
          entries.findIndex((entry) => entry.id === id),
          1,
        )
        changed()
      },
      async removePhoto(id) {
        calls.push(`remove photo ${id}`)
        unseen.delete(id)
        const next = `abcdefghijklmnop/${entries.length + 1}`
        change(id, (entry) => ({
          ...entry,
          id: next,
          body: { ...entry.body, attachments: [], faces: { ...entry.body.faces, unkept: 'person' } },
        }))
        return next
      },
      async seen(ids = [...unseen]) {
        if (ids.filter((id) => unseen.delete(id)).length > 0) calls.push(`seen ${ids.join(' ')}`)
        changed()
      },
      unseen: async () => [...unseen].reverse(),
      subscribe(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    people: {
      list: async () => [...people],
      async add(name, pin) {
        calls.push(`add ${name}`)
        if (pin !== undefined && !/^\d{4,12}$/.test(pin)) throw new JikoError('input/bad-pin', 'the fake wants digits')
        const person = { id: `person-${people.length + 1}`, name, guarded: pin !== undefined }
        people.push(person)
        return person
      },
      async enter(id, pin) {
        const person = people.find((one) => one.id === id)
        if (!person || (person.guarded && pin !== PIN)) throw wrongPin()
        return person
      },
    },
    lock: {
      isSet: async () => lock !== undefined,
      async set(pin) {
        lock = pin
      },
      async clear(pin) {
        if (pin !== lock) throw wrongPin()
        lock = undefined
      },
      async open(pin) {
        if (lock !== undefined && pin !== lock) throw wrongPin()
      },
    },
    sync: {
      status,
      async now() {
        calls.push('sync')
        return status.value
      },
      async enrol(link) {
        calls.push(`enrol ${link}`)
        fail(options.enrolError)
        return { program: 'default', role: 'sender' }
      },
      exportFile: async () => new File([], 'records.jikorec'),
      enrolment: async () => undefined,
      token: async () => ({ token: 'token', role: 'viewer', seconds: 900 }),
    },
    device: {
      report: async () => ({
        memory: 256e6,
        packs: [
          {
            name: offer.name,
            ways: [
              { variant: 'int8', backend: 'nano 1', memory: 3e6, here: true, used: true, ms: 12 },
              { variant: 'int8', backend: 'ort-wasm 1.30.0', memory: 24e6, here: false, used: false },
              {
                variant: 'int8',
                backend: 'ort-webgpu 1.30.0',
                memory: 24e6,
                here: false,
                used: false,
                reason: 'output "scores" of golden input 1 is off by 0.75, allowed is 0.02',
              },
              { variant: 'int8', backend: 'ort-threads 1.30.0', memory: 24e6, here: true, used: false, ms: 11 },
            ],
          },
        ],
      }),
      async setMemory(bytes) {
        calls.push(`memory ${bytes}`)
      },
      async measureAgain() {
        calls.push('measure again')
      },
    },
    update: {
      waiting,
      async apply() {
        calls.push('update')
        waiting.set(false)
      },
    },
    async close() {},
  }
}

/** Every opening comes from this one; what it is asked waits until it is open. */
export const openingOf =
  (open: Kit['open']): Kit['opening'] =>
  (...asked) => {
    const opened = open(...asked)
    opened.catch(() => undefined)
    return { opened, run: async (...given) => (await opened).run(...given) }
  }

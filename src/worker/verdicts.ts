import { createSerial } from '../lib/serial.ts'
import { type NoteStore, readNote } from '../packs/notes.ts'
import { JikoError } from '../protocol/error.ts'
import type { Manifest, Program, Variant } from '../protocol/manifest.ts'
import type { Backend } from '../runtime/backend.ts'
import { memoryNeed } from '../runtime/memory.ts'

/** One way to run a pack on this device. */
export interface Choice {
  /** With the chosen program as its only one: no other is downloaded, so no other can be loaded. */
  variant: Variant
  program: Program
  backend: Backend
}

/** On several cores a run must be so much shorter: they are what draws the screen, and on a busy phone they are not there. */
const WORTH = 1.25

/** What was learned of a backend for a variant: the milliseconds that a run takes, or why it is passed over. */
export type Finding = number | string

export type Notebook = (manifest: Manifest, choice: Choice, finding: Finding) => Promise<boolean>

/** What this device learned about running packs; remembered, so that a failing backend is tried once, and times are taken once. */
export interface Verdicts {
  /** Every way there is, admissible or not: the pack's preference first, variants for a first answer last. */
  ways(manifest: Manifest): readonly Choice[]
  /**
   * The ways that this device may take: of a variant those known to be fast first.
   * @throws JikoError `runtime/no-backend`, `runtime/too-large` with the reasons when there is none.
   */
  choices(manifest: Manifest): readonly [Choice, ...Choice[]]
  finding(manifest: Manifest, choice: Choice): Finding | undefined
  /** Why a way needs more memory than models may have here; undefined when it does not. */
  tooLarge(manifest: Manifest, choice: Choice): string | undefined
  /** For what a race finds out that begins now: it writes that down, and answers false once everything was forgotten. */
  notebook(): Notebook
  /**
   * A choice failed its variant. False when nothing else is left to try: then it stays allowed.
   * @param note of when it was begun: what was forgotten meanwhile is tried anew, this choice too.
   */
  passOver(manifest: Manifest, failed: Choice, reason: string, note?: Notebook): Promise<boolean>
  /** Everything is tried and timed anew. */
  forgetAll(): Promise<void>
  /** Bytes of memory that models may take. */
  readonly limit: number
  /** Without a number it follows from the device. */
  setLimit(bytes?: number): Promise<void>
}

type Findings = Record<string, Finding>

const NOTE = 'verdicts'
const LIMIT = 'memory'

function parseFindings(value: unknown): Map<string, Findings> {
  return new Map(Object.entries(value as Record<string, Findings>))
}

function parseLimit(value: unknown): number {
  if (typeof value !== 'number' || !(value > 0)) throw new TypeError('not a limit')
  return value
}

const keyOf = ({ name, version }: Manifest, { name: variant }: Variant): string => `${name} ${version} ${variant}`

const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6)

export interface VerdictsDeps {
  notes: NoteStore
  /** In the order of preference. A backend's id carries its version: a newer one gets another chance. */
  backends: readonly Backend[]
  /** Bytes that models may take on a device like this. */
  usualLimit: number
}

export async function createVerdicts({ notes, backends, usualLimit }: VerdictsDeps): Promise<Verdicts> {
  const [found, set] = await Promise.all([readNote(notes, NOTE, parseFindings), readNote(notes, LIMIT, parseLimit)])
  let known = found ?? new Map<string, Findings>()
  let limit = set ?? usualLimit

  const finding = (manifest: Manifest, { variant, backend }: Choice): Finding | undefined =>
    known.get(keyOf(manifest, variant))?.[backend.id]

  function ways(manifest: Manifest): Choice[] {
    const isFirst = ({ role }: Variant): number => Number(role === 'first')
    return [...manifest.variants]
      .sort((a, b) => isFirst(a) - isFirst(b))
      .flatMap((variant) =>
        variant.programs.flatMap((program) =>
          backends
            .filter(({ engine }) => engine === program.engine)
            .map((backend) => ({ variant: { ...variant, programs: [program] }, program, backend })),
        ),
      )
  }

  function tooLarge(manifest: Manifest, { program }: Choice): string | undefined {
    const need = memoryNeed(manifest, program)
    if (need <= limit) return undefined
    return `it needs ${megabytes(need)} MB of memory, models may have ${megabytes(limit)} MB here`
  }

  function choicesOf(manifest: Manifest): Choice[] {
    const time = (choice: Choice): number => {
      const found = finding(manifest, choice)
      return typeof found === 'number' ? found * (choice.backend.sharesCores ? WORTH : 1) : Number.MAX_VALUE
    }
    const usable = ways(manifest).filter(
      (choice) => typeof finding(manifest, choice) !== 'string' && tooLarge(manifest, choice) === undefined,
    )
    // A pack's order of variants is about how good their answers are, which no stopwatch knows.
    const variants = [...new Set(usable.map(({ variant }) => variant.name))]
    return variants.flatMap((name) =>
      usable.filter(({ variant }) => variant.name === name).sort((a, b) => time(a) - time(b)),
    )
  }

  // One after the other: what is written last is what is known last.
  const inOrder = createSerial()
  const save = (): Promise<void> => inOrder(() => notes.putNote(NOTE, JSON.stringify(Object.fromEntries(known))))

  function notebook(): Notebook {
    const book = known
    return async (manifest, { variant, backend }, found) => {
      if (book !== known) return false
      const key = keyOf(manifest, variant)
      book.set(key, { ...book.get(key), [backend.id]: found })
      await save()
      return book === known
    }
  }

  return {
    ways,
    finding,
    tooLarge,
    notebook,
    choices(manifest) {
      const [first, ...others] = choicesOf(manifest)
      if (first) return [first, ...others]
      const reasons = ways(manifest).map((choice) => {
        const found = finding(manifest, choice)
        const reason = typeof found === 'string' ? found : tooLarge(manifest, choice)
        return `${choice.variant.name} on ${choice.backend.id}: ${reason}`
      })
      const { name } = manifest
      const large = ways(manifest).filter((choice) => tooLarge(manifest, choice))
      const needs = large.map(({ program }) => memoryNeed(manifest, program))
      throw new JikoError(
        needs.length > 0 ? 'runtime/too-large' : 'runtime/no-backend',
        `nothing on this device can run ${name}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`,
        {
          detail: {
            name,
            ...(needs.length > 0 && { megabytes: megabytes(Math.min(...needs)), most: megabytes(limit) }),
          },
        },
      )
    },
    async passOver(manifest, failed, reason, note = notebook()) {
      const isSame = ({ variant, backend }: Choice): boolean =>
        variant.name === failed.variant.name && backend.id === failed.backend.id
      if (choicesOf(manifest).every(isSame)) return false
      await note(manifest, failed, reason)
      return true
    },
    async forgetAll() {
      known = new Map()
      await save()
    },
    get limit() {
      return limit
    },
    async setLimit(bytes) {
      limit = bytes ?? usualLimit
      await (bytes === undefined ? notes.deleteNote(LIMIT) : notes.putNote(LIMIT, JSON.stringify(bytes)))
    },
  }
}

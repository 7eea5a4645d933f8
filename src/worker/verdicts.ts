import { type NoteStore, readNote } from '../packs/notes.ts'
import { JikoError } from '../protocol/error.ts'
import type { Manifest, Program, Variant } from '../protocol/manifest.ts'
import type { Backend } from '../runtime/backend.ts'

/** One way to run a pack on this device. */
export interface Choice {
  /** With the chosen program as its only one: no other is downloaded, so no other can be loaded. */
  variant: Variant
  program: Program
  backends: readonly Backend[]
}

/** What this device learned about running a pack; remembered, so that a failing backend is tried once, not at every start. */
export interface Verdicts {
  /**
   * Every way in which this device may run it, the pack's preference first, variants for a first answer last.
   * @throws JikoError `runtime/no-backend` with the reasons when there is none.
   */
  choices(manifest: Manifest): readonly [Choice, ...Choice[]]
  /** The engine of this choice failed its variant. False when nothing else is left to try: then it stays allowed. */
  passOver(manifest: Manifest, failed: Choice, reason: string): Promise<boolean>
}

type Reasons = Record<string, string>

const NOTE = 'verdicts'

function parseNote(value: unknown): Map<string, Reasons> {
  return new Map(Object.entries(value as Record<string, Reasons>))
}

const keyOf = ({ name, version }: Manifest, variant: Variant): string => `${name} ${version} ${variant.name}`

export async function createVerdicts(notes: NoteStore, backends: readonly Backend[]): Promise<Verdicts> {
  const refused = (await readNote(notes, NOTE, parseNote)) ?? new Map<string, Reasons>()
  const reasonsOf = (manifest: Manifest, variant: Variant): Reasons => refused.get(keyOf(manifest, variant)) ?? {}

  function choicesOf(manifest: Manifest): Choice[] {
    const isFirst = ({ role }: Variant): number => Number(role === 'first')
    return [...manifest.variants]
      .sort((a, b) => isFirst(a) - isFirst(b))
      .flatMap((variant) => {
        const reasons = reasonsOf(manifest, variant)
        // A backend's id carries its version: a newer one gets another chance.
        const usable = backends.filter(({ id }) => !Object.hasOwn(reasons, id))
        return variant.programs.map((program) => ({
          variant: { ...variant, programs: [program] },
          program,
          backends: usable.filter(({ engine }) => engine === program.engine),
        }))
      })
      .filter((choice) => choice.backends.length > 0)
  }

  return {
    choices(manifest) {
      const [first, ...others] = choicesOf(manifest)
      if (first) return [first, ...others]
      const reasons = manifest.variants.flatMap((variant) =>
        Object.entries(reasonsOf(manifest, variant)).map(([id, reason]) => `${variant.name} on ${id}: ${reason}`),
      )
      throw new JikoError(
        'runtime/no-backend',
        `nothing on this device can run ${manifest.name}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`,
        { detail: { name: manifest.name } },
      )
    },
    async passOver(manifest, { variant, program, backends: failed }, reason) {
      const sameOne = (other: Choice): boolean =>
        other.variant.name === variant.name && other.program.engine === program.engine
      if (choicesOf(manifest).every(sameOne)) return false
      const reasons = Object.fromEntries(failed.map(({ id }) => [id, reason]))
      refused.set(keyOf(manifest, variant), { ...reasonsOf(manifest, variant), ...reasons })
      await notes.putNote(NOTE, JSON.stringify(Object.fromEntries(refused)))
      return true
    },
  }
}

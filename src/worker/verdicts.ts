import { type NoteStore, readNote } from '../packs/notes.ts'
import { JikoError } from '../protocol/error.ts'
import type { Manifest, Program, Variant } from '../protocol/manifest.ts'
import type { Backend } from '../runtime/backend.ts'

/** What this device learned about running a pack; remembered, so that a failing backend is tried once, not at every start. */
export interface Verdicts {
  /**
   * The first program, in the pack's order of preference, that a backend of this device may run.
   * @throws JikoError `runtime/no-backend` with the reasons.
   */
  choose(manifest: Manifest): { variant: Variant; program: Program; backends: Backend[] }
  /** The chosen engine failed this pack. False when nothing else is left to try: then it stays allowed. */
  passOver(manifest: Manifest, reason: string): Promise<boolean>
}

type Reasons = Record<string, string>

const NOTE = 'verdicts'

function parseNote(value: unknown): Map<string, Reasons> {
  return new Map(Object.entries(value as Record<string, Reasons>))
}

const keyOf = ({ name, version }: Manifest): string => `${name} ${version}`

export async function createVerdicts(notes: NoteStore, backends: readonly Backend[]): Promise<Verdicts> {
  const refused = (await readNote(notes, NOTE, parseNote)) ?? new Map<string, Reasons>()

  /** A backend's id carries its version: a newer one gets another chance. */
  function choices(manifest: Manifest): { variant: Variant; program: Program; backends: Backend[] }[] {
    const reasons = refused.get(keyOf(manifest)) ?? {}
    const usable = backends.filter(({ id }) => !Object.hasOwn(reasons, id))
    return manifest.variants
      .flatMap((variant) => variant.programs.map((program) => ({ variant, program })))
      .map(({ variant, program }) => ({
        // With the chosen program as its only one: no other is downloaded, so no other can be loaded.
        variant: { ...variant, programs: [program] },
        program,
        backends: usable.filter(({ engine }) => engine === program.engine),
      }))
      .filter((choice) => choice.backends.length > 0)
  }

  return {
    choose(manifest) {
      const [first] = choices(manifest)
      if (first) return first
      const reasons = Object.entries(refused.get(keyOf(manifest)) ?? {}).map(([id, reason]) => `${id}: ${reason}`)
      throw new JikoError(
        'runtime/no-backend',
        `nothing on this device can run ${manifest.name}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`,
        { detail: { name: manifest.name } },
      )
    },
    async passOver(manifest, reason) {
      const [first, ...others] = choices(manifest)
      if (!first || !others.some(({ program }) => program.engine !== first.program.engine)) return false
      const failed = Object.fromEntries(first.backends.map(({ id }) => [id, reason]))
      refused.set(keyOf(manifest), { ...refused.get(keyOf(manifest)), ...failed })
      await notes.putNote(NOTE, JSON.stringify(Object.fromEntries(refused)))
      return true
    },
  }
}

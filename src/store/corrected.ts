import { recordId } from '../protocol/log.ts'
import { type RecordBody, ROLES } from '../protocol/record.ts'
import type { StoredRecord } from './store.ts'

type Value = string | number | boolean | null

/** What a record says after everything that was said about it. */
export interface Corrected {
  /** The fields that were corrected, with the value to show. */
  fields: Record<string, Exclude<Value, null>>
  /** `fields.label`, where it is a text: the corrected answer. */
  label?: string
  retracted: boolean
  notes: string[]
  /** Ids of the corrections nobody has built on yet: the `base` of the next correction. */
  heads: string[]
  /** Fields that got different values from people who did not know of each other, with all of them, the one shown first. */
  conflicts: Record<string, Value[]>
}

export type Change = Pick<StoredRecord, 'stream' | 'seq' | 'body'>

interface Said {
  id: string
  base: readonly string[]
  patch: Readonly<Record<string, Value>>
  body: Extract<RecordBody, { kind: 'correction' }>
}

/** A supervisor's word before a worker's, a worker's before a model's; then the later clock; then the id, so that all agree. */
function byWeight(a: Said, b: Said): number {
  const rank = ({ body }: Said): number => ROLES.indexOf(body.role ?? 'worker')
  const clock = ({ body }: Said): number => body.clock ?? 0
  return rank(a) - rank(b) || clock(b) - clock(a) || (a.id < b.id ? 1 : -1)
}

/** For each correction all those it knew of, also through others. */
function knowledge(said: readonly Said[]): Map<string, Set<string>> {
  const bases = new Map(said.map(({ id, base }) => [id, base]))
  return new Map(
    said.map(({ id, base }) => {
      const seen = new Set<string>()
      const rest = [...base]
      for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
        if (seen.has(next) || next === id) continue
        seen.add(next)
        rest.push(...(bases.get(next) ?? []))
      }
      return [id, seen]
    }),
  )
}

/**
 * Lays corrections over a record, field by field: a correction replaces those it has seen (`base`, and what those had
 * seen); of several that had not seen each other all are kept as a conflict, and `byWeight` says which is shown. The
 * order in which they came in changes nothing.
 */
export function corrected(changes: readonly Change[]): Corrected {
  const said = changes
    .flatMap(({ stream, seq, body }): Said[] =>
      body.kind === 'correction' ? [{ id: recordId(stream, seq), base: body.base, patch: body.patch, body }] : [],
    )
    .sort(byWeight)
  const seen = knowledge(said)
  const fields: Corrected['fields'] = {}
  const conflicts: Corrected['conflicts'] = {}
  for (const field of [...new Set(said.flatMap(({ patch }) => Object.keys(patch)))].sort()) {
    const about = said.filter(({ patch }) => Object.hasOwn(patch, field))
    const standing = about.filter(({ id }) => !about.some((other) => seen.get(other.id)?.has(id)))
    const values = [...new Set(standing.map(({ patch }) => patch[field] ?? null))]
    const [shown = null] = values
    if (shown !== null) fields[field] = shown
    if (values.length > 1) conflicts[field] = values
  }
  const notes = changes
    .flatMap(({ stream, seq, body }) => (body.kind === 'note' ? [{ id: recordId(stream, seq), body }] : []))
    .sort((a, b) => (a.body.clock ?? 0) - (b.body.clock ?? 0) || (a.id < b.id ? -1 : 1))
  return {
    fields,
    ...(typeof fields.label === 'string' && { label: fields.label }),
    retracted: changes.some(({ body }) => body.kind === 'retract'),
    notes: notes.map(({ body }) => body.text),
    heads: said
      .map(({ id }) => id)
      .filter((id) => ![...seen.values()].some((set) => set.has(id)))
      .sort(),
    conflicts,
  }
}

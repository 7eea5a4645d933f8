import { recordId } from '../protocol/log.ts'
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
  /** Fields that got different values from people who did not know of each other, with all of them in order. */
  conflicts: Record<string, Value[]>
}

/**
 * Lays corrections over a record, field by field: a correction replaces those it has seen (`base`, and what those
 * had seen); of two that had not seen each other the later in the list is shown and both are kept as a conflict.
 * @param changes in the order of writing, as `history()` gives them.
 */
export function corrected(changes: readonly StoredRecord[]): Corrected {
  const corrections = changes.flatMap(({ stream, seq, body }) =>
    body.kind === 'correction' ? [{ id: recordId(stream, seq), base: body.base, patch: body.patch }] : [],
  )
  const seen = new Map<string, Set<string>>()
  for (const { id, base } of corrections) {
    seen.set(id, new Set(base.flatMap((earlier) => [earlier, ...(seen.get(earlier) ?? [])])))
  }
  const fields: Corrected['fields'] = {}
  const conflicts: Corrected['conflicts'] = {}
  for (const field of new Set(corrections.flatMap(({ patch }) => Object.keys(patch)))) {
    const said = corrections.filter(({ patch }) => Object.hasOwn(patch, field))
    const standing = said.filter(({ id }) => !said.some((other) => seen.get(other.id)?.has(id)))
    const values = [...new Set(standing.map(({ patch }) => patch[field] ?? null))]
    const shown = standing.at(-1)?.patch[field] ?? null
    if (shown !== null) fields[field] = shown
    if (values.length > 1) conflicts[field] = values
  }
  return {
    fields,
    ...(typeof fields.label === 'string' && { label: fields.label }),
    retracted: changes.some(({ body }) => body.kind === 'retract'),
    notes: changes.flatMap(({ body }) => (body.kind === 'note' ? [body.text] : [])),
    heads: corrections.map(({ id }) => id).filter((id) => ![...seen.values()].some((set) => set.has(id))),
    conflicts,
  }
}

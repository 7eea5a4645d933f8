import type { HistoryEntry, Kit } from '../../client/kit.ts'
import { headlineOf } from '../../protocol/answer.ts'
import type { RecordState } from '../../protocol/record.ts'

/** What a person looks for; empty means anything. */
export interface Wanted {
  text: string
  pack: string
  state: RecordState | ''
  /** As a date field says it: `2026-11-28`. */
  day: string
  unsure: boolean
}

export const ANYTHING: Wanted = { text: '', pack: '', state: '', day: '', unsure: false }

export const isAnything = (wanted: Wanted): boolean =>
  Object.entries(ANYTHING).every(([key, value]) => wanted[key as keyof Wanted] === value)

/** Without case and marks, so that "cafe" finds "Café". */
const plain = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLocaleLowerCase()

const two = (value: number): string => String(value).padStart(2, '0')

/** The day on this phone, as a date field says it. */
export function dayOf(wall: number): string {
  const date = new Date(wall)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** @param wordsOf all that is read on the entry's row, in the language of whoever looks */
export function fits(entry: HistoryEntry, wanted: Wanted, wordsOf: (entry: HistoryEntry) => string): boolean {
  const { body, state, corrected, notes = [] } = entry
  if (wanted.pack && body.pack.name !== wanted.pack) return false
  if (wanted.state && state !== wanted.state) return false
  if (wanted.day && dayOf(body.at.wall) !== wanted.day) return false
  if (wanted.unsure && (corrected !== undefined || headlineOf(body.answer).sure)) return false
  const words = plain([wordsOf(entry), ...notes].join(' '))
  return plain(wanted.text)
    .split(/\s+/)
    .every((word) => words.includes(word))
}

type List = Kit['records']['list']

export interface PagesOptions {
  actor?: string | undefined
  before?: string | undefined
  /** Entries a read: a cheap phone breathes in between. */
  size?: number
}

/** The whole history, newest first, piece by piece. */
export async function* pagesOf(
  list: List,
  { actor, before, size = 100 }: PagesOptions = {},
): AsyncGenerator<readonly HistoryEntry[], void, void> {
  let last = before
  for (;;) {
    const page = await list({ limit: size, ...(last !== undefined && { before: last }), ...(actor && { actor }) })
    if (page.length > 0) yield page
    if (page.length < size) return
    last = page.at(-1)?.id
  }
}

export interface Found {
  entries: readonly HistoryEntry[]
  /** There are older ones that fit. */
  more: boolean
}

/** The newest `limit` entries that fit. */
export async function find(
  list: List,
  matches: (entry: HistoryEntry) => boolean,
  limit: number,
  options: PagesOptions & { signal?: AbortSignal } = {},
): Promise<Found> {
  const found: HistoryEntry[] = []
  for await (const page of pagesOf(list, options)) {
    options.signal?.throwIfAborted()
    found.push(...page.filter(matches))
    if (found.length > limit) break
  }
  return { entries: found.slice(0, limit), more: found.length > limit }
}

import { createSerial } from '../lib/serial.ts'
import { type NoteStore, readNote } from './notes.ts'

/** Bytes that came over the network, by local day (`2026-11-23`) and by pack (`''`: manifests and the index). */
export type Days = Readonly<Record<string, Readonly<Record<string, number>>>>

export interface Ledger {
  /** Counts bytes; written down every 64 KB, so that a kill leaves at most so many uncounted. */
  add(bytes: number, pack: string): void
  today(): number
  thisMonth(): number
  days(): Days
  /** Writes down what is only counted so far. */
  flush(): Promise<void>
  /** Reads what other tabs have written down meanwhile. */
  refresh(): Promise<void>
}

const KEY = 'ledger'
const FLUSH_BYTES = 64 << 10
const KEPT_DAYS = 62

/** @param now milliseconds since 1970. */
export async function openLedger(notes: NoteStore, now: () => number = Date.now): Promise<Ledger> {
  let written: Days = (await readNote(notes, KEY, parseDays)) ?? {}
  /** Counted, not written down. */
  let fresh: Days = {}
  let waiting = 0
  const queue = createSerial()

  async function write(): Promise<void> {
    if (waiting === 0) return
    const adding = fresh
    fresh = {}
    waiting = 0
    // Read again just before: another tab may have written since. The lock around installs keeps two from racing.
    written = merge((await readNote(notes, KEY, parseDays)) ?? {}, adding)
    await notes.putNote(KEY, JSON.stringify(written))
  }
  const flush = (): Promise<void> => queue(write)
  const sum = (wanted: string): number =>
    Object.entries(merge(written, fresh))
      .filter(([day]) => day.startsWith(wanted))
      .flatMap(([, packs]) => Object.values(packs))
      .reduce((total, bytes) => total + bytes, 0)

  return {
    add(bytes, pack) {
      const day = localDay(now())
      fresh = merge(fresh, { [day]: { [pack]: bytes } })
      waiting += bytes
      // A ledger that cannot be written must not stop a download that can.
      if (waiting >= FLUSH_BYTES) flush().catch(() => undefined)
    },
    today: () => sum(localDay(now())),
    thisMonth: () => sum(localDay(now()).slice(0, 7)),
    days: () => merge(written, fresh),
    flush,
    refresh: () =>
      queue(async () => {
        written = (await readNote(notes, KEY, parseDays)) ?? {}
      }),
  }
}

function merge(days: Days, more: Days): Days {
  const out: Record<string, Record<string, number>> = {}
  for (const source of [days, more]) {
    for (const [day, packs] of Object.entries(source)) {
      const into = out[day] ?? {}
      out[day] = into
      for (const [pack, bytes] of Object.entries(packs)) into[pack] = (into[pack] ?? 0) + bytes
    }
  }
  const kept = Object.keys(out).sort().slice(-KEPT_DAYS)
  return Object.fromEntries(kept.map((day) => [day, out[day] ?? {}]))
}

/** The day by the phone's own calendar, since bundles of data are sold by it. */
function localDay(at: number): string {
  const date = new Date(at)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

function parseDays(value: unknown): Days {
  const days = value as Days
  for (const packs of Object.values(days)) {
    if (!Object.values(packs).every((bytes) => Number.isFinite(bytes))) throw new TypeError('not a ledger')
  }
  return days
}

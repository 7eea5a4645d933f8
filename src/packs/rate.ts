import { type NoteStore, readNote } from './notes.ts'

/** How fast bytes come in, over the last seconds; tells the rate and the time left while a download runs. */
export interface RateMeter {
  add(bytes: number): void
  /** Bytes a second; undefined until something has been measured. */
  bytesPerSecond(): number | undefined
}

/** @param now milliseconds of a clock that never goes back, as `performance.now`. @param window milliseconds that count. */
export function createRateMeter(now: () => number, window = 15_000): RateMeter {
  let samples: { at: number; bytes: number }[] = []
  const start = now()
  return {
    add(bytes) {
      const at = now()
      const last = samples.at(-1)
      // Pieces of one network read come together: one sample for each tenth of a second is enough.
      if (last && at - last.at < 100) last.bytes += bytes
      else samples.push({ at, bytes })
      samples = samples.filter((sample) => at - sample.at <= window)
    },
    bytesPerSecond() {
      const at = now()
      const recent = samples.filter((sample) => at - sample.at <= window)
      const first = samples[0]
      if (!first) return undefined
      const span = Math.min(window, at - Math.min(start, first.at))
      const bytes = recent.reduce((sum, sample) => sum + sample.bytes, 0)
      return span > 0 ? (bytes * 1000) / span : undefined
    },
  }
}

/** A link as it was when something was last fetched over it. */
export interface MeasuredLink {
  bytesPerSecond: number
  /** Milliseconds since 1970. */
  at: number
}

const NOTE = 'rate'
/** A link of yesterday says little about today's. */
const LIFE = 86_400_000

/** The last measurement, while it still says something. */
export async function readRate(notes: NoteStore, now: number): Promise<MeasuredLink | undefined> {
  const last = await readNote(notes, NOTE, parseRate)
  return isFresh(last, now) ? last : undefined
}

export const writeRate = (notes: NoteStore, measured: MeasuredLink): Promise<void> =>
  notes.putNote(NOTE, JSON.stringify(measured))

export const isFresh = (measured: MeasuredLink | undefined, now: number): boolean =>
  measured !== undefined && Math.abs(now - measured.at) < LIFE

function parseRate(value: unknown): MeasuredLink {
  const { bytesPerSecond, at } = value as Record<string, unknown>
  if (typeof bytesPerSecond !== 'number' || typeof at !== 'number' || !(bytesPerSecond > 0)) {
    throw new TypeError('not a rate')
  }
  return { bytesPerSecond, at }
}

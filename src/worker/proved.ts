import { createSerial } from '../lib/serial.ts'
import { type NoteStore, readNote } from '../packs/notes.ts'
import type { Choice } from './verdicts.ts'

/**
 * Which ways of running which packs have given their golden answers on this device. The same bytes give the same answers
 * again, so they are not asked at every start, which would take longer than the first answer itself.
 */
export interface Proved {
  has(digest: string, choice: Choice): boolean
  /** For a check that begins now: it writes down what has proved itself, unless something was to be proved anew meanwhile. */
  notebook(): (digest: string, choice: Choice) => Promise<void>
  /** Something went wrong with it: it has to prove itself anew. */
  remove(digest: string, choice: Choice): Promise<void>
  forgetAll(): Promise<void>
}

const NOTE = 'proved'
/** Of versions that are gone nobody asks any more. */
const MOST = 50

interface Saved {
  by: string
  ways: readonly string[]
}

function parseSaved(value: unknown): Saved {
  const { by, ways } = value as Partial<Saved>
  if (typeof by !== 'string' || !Array.isArray(ways)) throw new TypeError('not what was proved')
  return { by, ways: ways.map(String) }
}

/** @param by the code that ran them: what another build of the app, or another browser, has proved counts for nothing. */
export async function createProved(notes: NoteStore, by: string): Promise<Proved> {
  const saved = await readNote(notes, NOTE, parseSaved)
  let ways: ReadonlySet<string> = new Set(saved?.by === by ? saved.ways : [])
  const keyOf = (digest: string, { variant, backend }: Choice): string => `${digest} ${variant.name} ${backend.id}`
  // One after the other: what is written last is what is known last.
  const inOrder = createSerial()
  const save = (): Promise<void> =>
    inOrder(() => notes.putNote(NOTE, JSON.stringify({ by, ways: [...ways].slice(-MOST) })))
  /** How often something was to be proved anew. */
  let doubts = 0
  return {
    has: (digest, choice) => choice.backend.steady === true && ways.has(keyOf(digest, choice)),
    notebook() {
      const begun = doubts
      return async (digest, choice) => {
        const way = keyOf(digest, choice)
        if (begun !== doubts || choice.backend.steady !== true || ways.has(way)) return
        ways = new Set([...ways, way])
        await save()
      }
    },
    async remove(digest, choice) {
      doubts += 1
      const way = keyOf(digest, choice)
      if (!ways.has(way)) return
      ways = new Set([...ways].filter((one) => one !== way))
      await save()
    },
    async forgetAll() {
      doubts += 1
      ways = new Set()
      await save()
    },
  }
}

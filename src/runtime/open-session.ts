import { elementCount } from '../protocol/dims.ts'
import { JikoError } from '../protocol/error.ts'
import type { Golden } from '../protocol/golden.ts'
import { formerPlaces, sampledPlaces } from '../protocol/golden-sample.ts'
import type { Feeding, Program, Variant } from '../protocol/manifest.ts'
import { feedingOf, readerOf } from '../protocol/reader.ts'
import type { Tensors } from '../protocol/tensor.ts'
import type { Backend, ReadFile, Session } from './backend.ts'
import { readerIn } from './feeding.ts'
import { goldenInputs } from './golden.ts'

/** In packs of before a list that is at least so long may be a sample; a shorter one is a whole output. */
const FORMER_SAMPLE = 256

/** Memory comes back: with the next try, or in a fresh worker. */
const OUT_OF_MEMORY = 'runtime/out-of-memory'

export interface OpenedSession {
  session: Session
  variant: string
  /** Name and version of the backend that answered its golden inputs right. */
  backend: string
  /** Why the programs before it were passed over. */
  refused: readonly string[]
}

/**
 * Loads a variant on the first backend that can run it AND gives the pack's golden answers: right first, fast second.
 * @throws JikoError `runtime/no-backend` with every reason.
 */
export async function openSession(
  variant: Variant,
  feeding: Feeding,
  backends: readonly Backend[],
  read: ReadFile,
): Promise<OpenedSession> {
  const refused: string[] = []
  for (const program of variant.programs) {
    for (const backend of backends.filter(({ engine }) => engine === program.engine)) {
      let session: Session | undefined
      try {
        session = await createSessions(backend, program, read)
        for (const golden of variant.golden) await checkGolden(session, golden, feeding)
        return { session, variant: variant.name, backend: backend.name, refused }
      } catch (error) {
        // A file that cannot be read is not this backend's fault, nor is a device with no memory left just now: the next
        // would only meet it again.
        if (error instanceof JikoError && (!error.code.startsWith('runtime/') || error.code === OUT_OF_MEMORY))
          throw error
        refused.push(`${backend.name}: ${error instanceof Error ? error.message : String(error)}`)
        await session?.dispose().catch(() => undefined)
      }
    }
  }
  const engines = variant.programs.map(({ engine }) => engine).join(', ')
  throw new JikoError(
    'runtime/no-backend',
    `no backend of this device runs variant ${variant.name} (${engines}): ${refused.join('; ') || 'none is for that engine'}`,
  )
}

/** Both graphs of a program that has two, as one session. */
export async function createSessions(backend: Backend, program: Program, read: ReadFile): Promise<Session> {
  const session = await backend.createSession(program, read)
  const second = readerOf(program)
  if (!second) return session
  try {
    const reader = await backend.createSession(second, read)
    return {
      memory: session.memory,
      reader,
      run: (inputs) => session.run(inputs),
      async dispose() {
        await Promise.all([session.dispose(), reader.dispose()])
      },
    }
  } catch (error) {
    await session.dispose().catch(() => undefined)
    throw error
  }
}

/** One golden input for each graph of a variant. */
export const goldenOfEach = ({ golden }: Pick<Variant, 'golden'>): Golden[] =>
  golden.filter(({ graph }, i) => golden.findIndex((other) => other.graph === graph) === i)

/** A run of the graph that a golden input is for, with its input made already. */
export function goldenRun(session: Session, { seed, graph }: Golden, feeding: Feeding): () => Promise<Tensors> {
  const runner = graph === undefined ? session : readerIn(session)
  const inputs = goldenInputs(seed, feedingOf(feeding, graph))
  return () => runner.run(inputs)
}

/** What an output must be, at which of its places, and how long it is; `length` is what a backend gave. */
function expected({ seed, ...golden }: Golden, name: string, length: number) {
  const output = golden.output[name] ?? []
  if (Array.isArray(output)) {
    const isSample = length > output.length && output.length >= FORMER_SAMPLE
    const size = isSample ? length : output.length
    return { size, values: output, places: formerPlaces(size, output.length), tolerance: golden.tolerance }
  }
  const { dims, values, tolerance } = output
  const size = elementCount(dims)
  const places = values.length < size ? sampledPlaces(dims, values.length, seed) : [...values.keys()]
  return { size, values, places, tolerance }
}

/** @throws JikoError `runtime/wrong-answer` when an output is not what the pack says it must be. */
export async function checkGolden(session: Session, golden: Golden, feeding: Feeding): Promise<void> {
  const outputs = await goldenRun(session, golden, feeding)()
  for (const name of Object.keys(golden.output)) {
    const got = outputs[name]?.data
    const { size, values, places, tolerance } = expected(golden, name, got?.length ?? 0)
    if (got?.length !== size) {
      throw new JikoError('runtime/wrong-answer', `output "${name}" has ${got?.length ?? 'no'} values, not ${size}`)
    }
    const worst = values.reduce((most, value, i) => {
      const difference = Math.abs(Number(got[places[i] as number]) - value)
      return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference)
    }, 0)
    if (worst > tolerance) {
      throw new JikoError(
        'runtime/wrong-answer',
        `output "${name}" of golden input ${golden.seed} is off by ${worst.toPrecision(3)}, allowed is ${tolerance}`,
      )
    }
  }
}

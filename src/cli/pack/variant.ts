import { type Bytes, concat, utf8 } from '../../lib/bytes.ts'
import { sha256Hex } from '../../lib/sha256.ts'
import type { Graph } from '../../onnx/graph.ts'
import { lower } from '../../onnx/lower/lower.ts'
import { writeExternal } from '../../onnx/write.ts'
import { JikoError } from '../../protocol/error.ts'
import type { Golden } from '../../protocol/golden.ts'
import { type Feeding, type Program, programPaths, type Variant } from '../../protocol/manifest.ts'
import { keptTensors, type Output, outputTensors } from '../../protocol/output.ts'
import { parsePlan } from '../../protocol/plan.ts'
import type { ReadFile } from '../../runtime/backend.ts'
import { goldenInputs } from '../../runtime/golden.ts'
import { sessionBytes } from '../../runtime/nano/session.ts'
import { checkGolden } from '../../runtime/open-session.ts'
import type { Engines } from '../engines.ts'
import { goldenFrom } from './golden.ts'

/** A variant and the files that its programs need, in the order in which a phone needs them. */
export interface BuiltVariant {
  readonly name: Variant['name']
  readonly programs: Program[]
  readonly golden: Golden[]
  readonly files: ReadonlyMap<string, Bytes>
  /** SHA-256 over graph and weights: what figures are measured on and kept for. */
  readonly programDigest: string
  /** What was left out, and why. */
  readonly notes: readonly string[]
}

const SEEDS = [1, 2]

/** Whether a value of the graph has a part in answers; the others are only looked at besides. */
const answersWith =
  (output: Output) =>
  (name: string): boolean =>
    outputTensors(output).includes(name) || !keptTensors(output).includes(name)

export const programDigest = (model: Bytes, weights: Bytes): Promise<string> => sha256Hex(concat(model, weights))

/** Of a program of two graphs. */
export const joinedDigest = (first: string, reader: string): Promise<string> => sha256Hex(utf8(first + reader))

/** Files, programs and golden answers of a graph. A program that does not give the golden answers is left out, and told. */
export async function buildVariant(
  name: Variant['name'],
  graph: Graph,
  feeding: Feeding & { output: Output },
  engines: Engines,
  stem = 'model',
): Promise<BuiltVariant> {
  const paths = { plan: `${name}/${stem}.plan`, model: `${name}/${stem}.onnx`, weights: `${name}/${stem}.weights` }
  const { model, weights } = writeExternal(graph.model, `${stem}.weights`)
  const notes: string[] = []
  const files = new Map<string, Bytes>()
  const programs: Program[] = []
  const read: ReadFile = async (path) => {
    const bytes = files.get(path)
    if (!bytes) throw new JikoError('pack/missing-file', `"${path}" is not in the pack`)
    return bytes
  }
  const plan = tryLower(graph, notes)
  // The plan comes first in the file: a phone that can run it needs nothing after it.
  if (plan) files.set(paths.plan, plan)
  files.set(paths.model, model)
  if (weights.length > 0) files.set(paths.weights, weights)
  const onnx: Program = { engine: 'onnx', model: paths.model, ...(weights.length > 0 && { weights: paths.weights }) }
  const golden = await goldenOf(onnx, read, feeding, engines)
  const memory = await engines.weigh?.(onnx, read, feeding)
  if (plan) {
    const nano: Program = { engine: 'nano', plan: paths.plan, memory: sessionBytes(parsePlan(plan)) }
    const problem = await problemOf(nano, read, golden, feeding, engines)
    if (problem === undefined) programs.push(nano)
    else {
      files.delete(paths.plan)
      notes.push(`nano is left out: ${problem}`)
    }
  }
  programs.push({ ...onnx, ...(memory !== undefined && { memory }) })
  return { name, programs, golden, files, notes, programDigest: await programDigest(model, weights) }
}

function tryLower(graph: Graph, notes: string[]): Bytes | undefined {
  try {
    return lower(graph).plan
  } catch (error) {
    if (!(error instanceof JikoError) || error.code !== 'model/unsupported-by-nano') throw error
    notes.push(`nano is left out: ${error.message}`)
    return undefined
  }
}

function backendFor(program: Program, { backends }: Engines) {
  const backend = backends.find(({ engine }) => engine === program.engine)
  if (!backend) throw new JikoError('runtime/no-backend', `There is no ${program.engine} engine here.`)
  return backend
}

async function goldenOf(
  program: Program,
  read: ReadFile,
  feeding: Feeding & { output: Output },
  engines: Engines,
): Promise<Golden[]> {
  // What is only looked at besides the answer is on its way to it, and would cost every phone bytes.
  const isGolden = answersWith(feeding.output)
  const session = await backendFor(program, engines).createSession(program, read)
  try {
    const golden: Golden[] = []
    for (const seed of SEEDS) {
      const outputs = await session.run(goldenInputs(seed, feeding))
      const answers = Object.entries(outputs).filter(([name]) => isGolden(name))
      golden.push(goldenFrom(seed, Object.fromEntries(answers)))
    }
    return golden
  } finally {
    await session.dispose()
  }
}

async function problemOf(
  program: Program,
  read: ReadFile,
  golden: readonly Golden[],
  feeding: Feeding,
  engines: Engines,
): Promise<string | undefined> {
  try {
    const session = await backendFor(program, engines).createSession(program, read)
    try {
      for (const one of golden) await checkGolden(session, one, feeding)
    } finally {
      await session.dispose()
    }
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * A variant of two graphs: every engine that runs both runs it, and golden answers are those of both.
 * @param memory bytes that both take together on onnxruntime-web, where it was weighed.
 */
export async function withReader(
  first: BuiltVariant,
  reader: BuiltVariant,
  weigh: (program: Program, read: ReadFile) => Promise<number | undefined>,
): Promise<BuiltVariant> {
  const files = new Map([...first.files, ...reader.files])
  const read: ReadFile = async (path) => files.get(path) ?? new Uint8Array()
  const programs: Program[] = []
  for (const program of first.programs) {
    const second = reader.programs.find(({ engine }) => engine === program.engine)
    const both = second && joined(program, second)
    if (!both) continue
    const memory = both.engine === 'onnx' ? await weigh(both, read) : both.memory
    programs.push(memory === undefined ? both : { ...both, memory })
  }
  const used = new Set(programs.flatMap(programPaths))
  return {
    name: first.name,
    programs,
    golden: [...first.golden, ...reader.golden.map((one): Golden => ({ graph: 'reader', ...one }))],
    files: new Map([...files].filter(([path]) => used.has(path))),
    notes: [...first.notes, ...reader.notes.map((note) => `reader: ${note}`)],
    programDigest: await joinedDigest(first.programDigest, reader.programDigest),
  }
}

function joined(program: Program, second: Program): Program | undefined {
  if (program.engine === 'nano' && second.engine === 'nano') {
    const memory = (program.memory ?? 0) + (second.memory ?? 0)
    return { engine: 'nano', plan: program.plan, reader: { plan: second.plan }, memory }
  }
  if (program.engine !== 'onnx' || second.engine !== 'onnx') return undefined
  const { memory: _, ...own } = program
  const { engine: __, memory: ___, reader: ____, ...reader } = second
  return { ...own, reader }
}

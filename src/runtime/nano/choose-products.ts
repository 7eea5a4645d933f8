import type { Bytes } from '../../lib/bytes.ts'
import { instantiate, type KernelBuild, type KernelFunctions } from './load-kernels.ts'

/** Builds of the products kernels, and the largest weight that each multiplies right. */
export const PRODUCTS = { relaxed: 63, dot: 128, mlal: 127 } as const satisfies Partial<Record<KernelBuild, number>>
export type Product = keyof typeof PRODUCTS

export interface Candidate {
  readonly name: Product
  readonly module: WebAssembly.Module
}

const ROWS = 7
const DEPTH = 40
const COLUMNS = 24
const WEIGHT_ZERO = 3
const WEIGHTS = 1024
const SCRATCH = 8192
const SRC = 16_384
const DST = 32_768

const weightAt = (column: number, k: number): number => ((column * 7 + k * 13) % 127) - 63
const inputAt = (index: number): number => ((index * 37 + 11) % 256) - 128

/** Puts the known problem into memory. */
function prepare(memory: WebAssembly.Memory, { repack }: KernelFunctions): void {
  const bytes = new Int8Array(memory.buffer)
  const floats = new Float32Array(memory.buffer)
  let at = WEIGHTS
  for (let n = 0; n < COLUMNS; n += 8) {
    floats.fill(0.0037, at / 4 + 8, at / 4 + 16)
    at += 64
    for (let k = 0; k < DEPTH; k += 2)
      for (let j = 0; j < 8; j++) for (let pair = 0; pair < 2; pair++) bytes[at++] = weightAt(n + j, k + pair)
  }
  for (let i = 0; i < ROWS * DEPTH; i++) bytes[SRC + i] = inputAt(i)
  repack?.(WEIGHTS, DEPTH, COLUMNS)
}

/** Every output of the known problem, against plain arithmetic. */
function isRight(memory: WebAssembly.Memory): boolean {
  const outputs = new Int8Array(memory.buffer, DST, ROWS * COLUMNS)
  return outputs.every((output, i) => {
    let sum = 0
    for (let k = 0; k < DEPTH; k++)
      sum += inputAt(Math.floor(i / COLUMNS) * DEPTH + k) * (weightAt(i % COLUMNS, k) - WEIGHT_ZERO)
    const exact = sum * Math.fround(0.0037)
    return Math.abs(output - Math.max(-128, Math.min(127, exact))) <= 0.501
  })
}

interface Runner {
  readonly candidate: Candidate
  run(): void
  /** Time of a run before the builds were warm, and in each round after. */
  first: number
  rounds: number[]
}

async function tryBuild(name: Product, bytes: Bytes | undefined): Promise<Runner | undefined> {
  if (!bytes || !WebAssembly.validate(bytes)) return undefined
  const module = await WebAssembly.compile(bytes)
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  const kernels = await instantiate(module, memory)
  prepare(memory, kernels)
  const run = (): void =>
    kernels.multiply?.(WEIGHTS, DEPTH, COLUMNS, SRC, DST, ROWS, SCRATCH, WEIGHT_ZERO, 0, -128, 127)
  run()
  return isRight(memory) ? { candidate: { name, module }, run, first: 0, rounds: [] } : undefined
}

/** Engines compile well only what has run a while: about a thousand times in V8, which does it in the background. */
const WARM_UP = 1200
const ROUNDS = 4
/** Runs between two looks at the clock, and milliseconds of a round: browsers tell time in steps of a tenth or more. */
const RUNS = 40
const ROUND = 1
/** How much faster a build must be to overrule their order, and how much faster one gets once it is compiled well. */
const CLEARLY = 1.1
const COMPILED = 1.25

/** Milliseconds of one run, over a round. */
export type Stopwatch = (run: () => void, name: Product) => number

const timeRun: Stopwatch = (run) => {
  const start = performance.now()
  let runs = 0
  let elapsed = 0
  do {
    for (let i = 0; i < RUNS; i++) run()
    runs += RUNS
    elapsed = performance.now() - start
  } while (elapsed < ROUND)
  return elapsed / runs
}

/**
 * The products build for weights up to `weightLimit` that this device runs fastest, right ones only: a known answer
 * comes before the stopwatch, since there are engines whose baseline compiler gets the relaxed dot product wrong.
 */
export async function chooseProducts(
  builds: ReadonlyMap<KernelBuild, Bytes>,
  weightLimit: number,
  stopwatch: Stopwatch = timeRun,
): Promise<Candidate | undefined> {
  const names = (Object.keys(PRODUCTS) as Product[]).filter((name) => PRODUCTS[name] >= weightLimit)
  const tried = await Promise.all(names.map((name) => tryBuild(name, builds.get(name))))
  const runners = tried.filter((runner) => runner !== undefined)
  if (runners.length > 1) race(runners, stopwatch)
  // Listed by how well they do once compiled well: an early measurement must be clear to overrule that.
  return runners.reduce<Runner | undefined>((best, runner) => (best && !beats(runner, best) ? best : runner), undefined)
    ?.candidate
}

/**
 * Clearly faster in every round: on a busy device one or another is interrupted. There one build may also be compiled
 * well long before another; what it has gained by that says nothing, so then their first rounds are compared.
 */
function beats(a: Runner, b: Runner): boolean {
  const compiled = ({ first, rounds }: Runner): boolean => first > COMPILED * Math.min(...rounds)
  if (compiled(a) !== compiled(b)) return a.first * CLEARLY < b.first
  return a.rounds.every((time, i) => time * CLEARLY < (b.rounds[i] ?? 0))
}

/**
 * In turns, so that noise and compilation in the background meet all alike. Over as soon as nobody wins a round against the
 * first one: who is to overrule it must win all.
 */
function race(runners: readonly Runner[], stopwatch: Stopwatch): void {
  const time = ({ run, candidate }: Runner): number => stopwatch(run, candidate.name)
  for (const runner of runners) runner.first = time(runner)
  for (let i = 0; i < WARM_UP; i++) for (const { run } of runners) run()
  for (let round = 0; round < ROUNDS; round++) {
    for (const runner of runners) runner.rounds.push(time(runner))
    const [first = 0, ...others] = runners.map(({ rounds }) => rounds[round] ?? 0)
    if (others.every((other) => other * CLEARLY >= first)) return
  }
}

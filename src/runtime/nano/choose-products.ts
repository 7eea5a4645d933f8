import type { Bytes } from '../../lib/bytes.ts'
import { instantiate, type KernelBuild, type KernelFunctions } from './load-kernels.ts'

/** Builds of the products kernels, and the largest weight that each multiplies right. */
export const PRODUCTS = { relaxed: 63, dot: 128, mlal: 127 } as const satisfies Partial<Record<KernelBuild, number>>
export type Product = keyof typeof PRODUCTS

/**
 * The builds that take weights up to `weightLimit`, first what does best once compiled well. Two widening products of bytes are six
 * instructions on x86, where `dot` has one: there `mlal` is none of them.
 */
export const productsFor = (weightLimit: number, x86: boolean): Product[] =>
  (x86 ? (['relaxed', 'dot'] as const) : (['relaxed', 'mlal', 'dot'] as const)).filter(
    (name) => PRODUCTS[name] >= weightLimit,
  )

/** What is no number has its sign set where x86 computed it, and nowhere else. */
export function isX86(): boolean {
  const value = new Float32Array([Number.POSITIVE_INFINITY])
  value[0] = (value[0] ?? 0) - (value[0] ?? 0)
  return new Uint8Array(value.buffer)[3] === 255
}

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
  readonly rounds: number[]
}

/** @returns nothing where this device cannot run it, or computes something else with it. */
async function tryBuild(name: Product, bytes: Bytes | undefined): Promise<Runner | undefined> {
  if (!bytes || !WebAssembly.validate(bytes)) return undefined
  const module = await WebAssembly.compile(bytes)
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  const kernels = await instantiate(module, memory)
  prepare(memory, kernels)
  const run = (): void =>
    kernels.multiply?.(WEIGHTS, DEPTH, COLUMNS, SRC, DST, ROWS, SCRATCH, WEIGHT_ZERO, 0, -128, 127)
  run()
  return isRight(memory) ? { candidate: { name, module }, run, rounds: [] } : undefined
}

/**
 * The first of `names` that gives a known answer here: there are engines whose baseline compiler gets the relaxed dot
 * product wrong. No other is compiled.
 */
export async function firstRight(
  builds: ReadonlyMap<KernelBuild, Bytes>,
  names: readonly Product[],
): Promise<Candidate | undefined> {
  for (const name of names) {
    const runner = await tryBuild(name, builds.get(name))
    if (runner) return runner.candidate
  }
  return undefined
}

/** Engines compile well only what has run a while: about a thousand times in V8, which does it in the background. */
const WARM_UP = 4
const WARM_RUNS = 400
const ROUNDS = 4
/** Runs between two looks at the clock, and milliseconds of a round: browsers tell time in steps of a tenth or more. */
const RUNS = 40
const ROUND = 1
/** How much faster a build must be to overrule their order. */
const CLEARLY = 1.1

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

export interface RaceOptions {
  stopwatch?: Stopwatch
  /** Lets others run, between two pieces of a millisecond or a few. */
  pause?: () => Promise<void>
}

const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

/**
 * Which of `names` this device runs fastest. In turns, so that noise and compilation in the background meet all alike; who
 * is to overrule the first must be clearly faster in every round, since on a busy device one or another is interrupted.
 */
export async function raceProducts(
  builds: ReadonlyMap<KernelBuild, Bytes>,
  names: readonly Product[],
  { stopwatch = timeRun, pause = nextTask }: RaceOptions = {},
): Promise<Product | undefined> {
  const tried = await Promise.all(names.map((name) => tryBuild(name, builds.get(name))))
  const runners = tried.filter((runner) => runner !== undefined)
  for (let slice = 0; slice < WARM_UP; slice++) {
    for (const { run } of runners) for (let i = 0; i < WARM_RUNS; i++) run()
    await pause()
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { run, rounds, candidate } of runners) rounds.push(stopwatch(run, candidate.name))
    await pause()
  }
  const beats = (a: Runner, b: Runner): boolean => a.rounds.every((time, i) => time * CLEARLY < (b.rounds[i] ?? 0))
  return runners.reduce<Runner | undefined>((best, runner) => (best && !beats(runner, best) ? best : runner), undefined)
    ?.candidate.name
}

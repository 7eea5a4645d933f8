import type { Bytes } from '../../lib/bytes.ts'
import { createMemo } from '../../lib/memo.ts'
import { JikoError } from '../../protocol/error.ts'
import { PLAN_VERSION, parsePlan } from '../../protocol/plan.ts'
import type { Backend } from '../backend.ts'
import {
  type Candidate,
  firstRight,
  isX86,
  type Product,
  productsFor,
  type RaceOptions,
  raceProducts,
} from './choose-products.ts'
import { type KernelBuild, loadKernels } from './load-kernels.ts'
import { createNanoSession } from './session.ts'

interface Kernels {
  builds: ReadonlyMap<KernelBuild, Bytes>
  /** Without SIMD, one build does it all. */
  simd: boolean
  base: WebAssembly.Module | undefined
}

async function prepare(load: () => Promise<ReadonlyMap<KernelBuild, Bytes>>): Promise<Kernels> {
  const builds = await load()
  const usable = (name: KernelBuild): Bytes | undefined => {
    const bytes = builds.get(name)
    return bytes && WebAssembly.validate(bytes) ? bytes : undefined
  }
  const common = usable('common')
  const base = common ?? usable('scalar')
  return { builds, simd: base === common, base: base && (await WebAssembly.compile(base)) }
}

/** Texts that outlive the process. */
export interface KernelNotes {
  getNote(key: string): Promise<string | undefined>
  putNote(key: string, text: string): Promise<void>
}

export interface NanoOptions {
  /** Where it is kept which kernels won here. Without, nobody races: there would be nothing to remember it by. */
  notes?: KernelNotes
  /** Gives the kernels; tests give others. */
  load?: () => Promise<ReadonlyMap<KernelBuild, Bytes>>
  /** What the device is and how it is timed; tests say both. */
  x86?: boolean
  race?: RaceOptions
}

interface Choice {
  /** Nothing where none of them computes right. */
  readonly candidate: Candidate | undefined
  /** To be called after each answer: behind one of them others are timed, for later starts. */
  answered(): Promise<void>
}

/** Answers of a session before its kernels are compared with others: by then they are compiled as well as they will be. */
const ANSWERS = 3

/**
 * Our own engine: int8 kernels in WebAssembly, with SIMD where there is any, run from a plan that was compiled ahead. Kernels are unpacked
 * and checked with the first session, once for all later ones; from then on the name says which they are, e.g. `nano 1 (dot)`.
 *
 * A first start takes those that the kind of processor speaks for. Whether others are faster here is found out behind a session's
 * answers, and believed by later starts once two of them have found the same.
 */
export function createNanoBackend({ load = loadKernels, notes, x86 = isX86(), race }: NanoOptions = {}): Backend {
  const kernels = createMemo<'kernels', Kernels>()
  const choices = createMemo<string, Choice>()
  let winner = ''

  async function choose(builds: Kernels['builds'], names: readonly Product[]): Promise<Choice> {
    const key = `kernels/${names.join()}`
    // Other kernels, or a browser that has learned something, make it another race.
    const usable = [...builds].filter(([, bytes]) => WebAssembly.validate(bytes))
    const field = usable.map(([, { length }]) => length).join()
    const [raced, won, again] = (await notes?.getNote(key))?.split(': ') ?? []
    const before = raced === field ? won : undefined
    const believed = names.filter((name) => again && name === before)
    const candidate = await firstRight(builds, [...believed, ...names])
    let answers = 0
    return {
      candidate,
      async answered() {
        if (++answers !== ANSWERS || !notes || believed[0] || names.length < 2) return
        const name = await raceProducts(builds, names, race)
        // Once may be an accident of a busy device, and would be believed for ever.
        if (name) await notes.putNote(key, `${field}: ${name}${name === before ? ': again' : ''}`)
      },
    }
  }

  const id = `nano ${PLAN_VERSION}`
  return {
    id,
    get name() {
      return `${id}${winner}`
    },
    engine: 'nano',
    prepare: () => void kernels.get('kernels', () => prepare(load)).catch(() => undefined),
    async createSession(program, read) {
      if (program.engine !== 'nano')
        throw new JikoError('runtime/engine', `nano cannot run a ${program.engine} program`)
      const [bytes, { builds, simd, base }] = await Promise.all([
        read(program.plan),
        kernels.get('kernels', () => prepare(load)),
      ])
      const plan = parsePlan(bytes)
      const names = productsFor(plan.weightLimit, x86)
      const choice = simd ? await choices.get(names.join(), () => choose(builds, names)) : undefined
      if (!base || (simd && !choice?.candidate))
        throw new JikoError('runtime/no-kernels', `no kernels of nano for weights up to ${plan.weightLimit} run here`)
      if (!choice?.candidate) {
        winner = ' (scalar)'
        return createNanoSession(plan, [base])
      }
      winner = ` (${choice.candidate.name})`
      const session = await createNanoSession(plan, [base, choice.candidate.module])
      return {
        ...session,
        async run(inputs) {
          const outputs = await session.run(inputs)
          // Nobody waits for it, and a device that cannot be timed keeps what it has.
          choice.answered().catch(() => undefined)
          return outputs
        },
      }
    },
  }
}

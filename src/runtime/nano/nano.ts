import type { Bytes } from '../../lib/bytes.ts'
import { createMemo } from '../../lib/memo.ts'
import { JikoError } from '../../protocol/error.ts'
import { PLAN_VERSION, parsePlan } from '../../protocol/plan.ts'
import type { Backend } from '../backend.ts'
import { type Candidate, chooseProducts, PRODUCTS } from './choose-products.ts'
import { type KernelBuild, loadKernels } from './load-kernels.ts'
import { createNanoSession } from './session.ts'

interface Kernels {
  builds: ReadonlyMap<KernelBuild, Bytes>
  /** Without SIMD, one build does it all. */
  simd: boolean
  base: WebAssembly.Module
}

async function prepare(load: () => Promise<ReadonlyMap<KernelBuild, Bytes>>): Promise<Kernels> {
  const builds = await load()
  const usable = (name: KernelBuild): Bytes | undefined => {
    const bytes = builds.get(name)
    return bytes && WebAssembly.validate(bytes) ? bytes : undefined
  }
  const common = usable('common')
  const base = common ?? usable('scalar')
  if (!base) throw new JikoError('runtime/no-kernels', 'this device runs none of the kernels of nano')
  return { builds, simd: base === common, base: await WebAssembly.compile(base) }
}

/** Texts that outlive the process; losing them costs another race. */
export interface KernelNotes {
  getNote(key: string): Promise<string | undefined>
  putNote(key: string, text: string): Promise<void>
}

export interface NanoOptions {
  /** Where it is kept which kernels won here. Without, every process finds out for itself. */
  notes?: KernelNotes
  /** Gives the kernels; tests give others. */
  load?: () => Promise<ReadonlyMap<KernelBuild, Bytes>>
}

/** Weights up to the largest of a build's: what decides which builds may be used, and so needs one race each. */
const limits = [...new Set(Object.values(PRODUCTS))].sort((a, b) => a - b)

/**
 * Our own engine: int8 kernels in WebAssembly, with SIMD where there is any, run from a plan that was compiled ahead. Kernels are unpacked,
 * checked and timed with the first session, once for all later ones; from then on the name says which won,
 * e.g. `nano 1 (dot)`. What won twice is known from then on: its answer is checked, and no other is timed.
 */
export function createNanoBackend({ load = loadKernels, notes }: NanoOptions = {}): Backend {
  const kernels = createMemo<'kernels', Kernels>()
  const choices = createMemo<number, Candidate | undefined>()
  let winner = ''

  async function choose(builds: Kernels['builds'], limit: number): Promise<Candidate | undefined> {
    const usable = [...builds].filter(([, bytes]) => WebAssembly.validate(bytes))
    // Other kernels, or a browser that has learned something, make it another race.
    const race = usable.map(([name, { length }]) => `${name} ${length}`).join()
    const key = `kernels/${limit}`
    const [raced, before, again] = (await notes?.getNote(key))?.split(': ') ?? []
    // Once may be an accident of a busy device, and would be believed for ever.
    const known = raced === race && again && usable.filter(([name]) => name === before)
    const choice = (known && (await chooseProducts(new Map(known), limit))) || (await chooseProducts(builds, limit))
    const same = raced === race && choice?.name === before
    if (choice && !(same && again)) await notes?.putNote(key, `${race}: ${choice.name}${same ? ': again' : ''}`)
    return choice
  }

  const id = `nano ${PLAN_VERSION}`
  return {
    id,
    get name() {
      return `${id}${winner}`
    },
    engine: 'nano',
    async createSession(program, read) {
      if (program.engine !== 'nano')
        throw new JikoError('runtime/engine', `nano cannot run a ${program.engine} program`)
      const plan = parsePlan(await read(program.plan))
      const { builds, simd, base } = await kernels.get('kernels', () => prepare(load))
      if (!simd) {
        winner = ' (scalar)'
        return createNanoSession(plan, [base])
      }
      const limit = limits.find((most) => most >= plan.weightLimit)
      const choice = limit && (await choices.get(limit, () => choose(builds, limit)))
      if (!choice)
        throw new JikoError('runtime/no-kernels', `no kernels of this device take weights up to ${plan.weightLimit}`)
      winner = ` (${choice.name})`
      return createNanoSession(plan, [base, choice.module])
    },
  }
}

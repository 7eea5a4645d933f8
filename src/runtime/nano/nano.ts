import { createMemo } from '../../lib/memo.ts'
import { JikoError } from '../../protocol/error.ts'
import { PLAN_VERSION, parsePlan } from '../../protocol/plan.ts'
import type { Backend } from '../backend.ts'
import { type Candidate, chooseProducts, PRODUCTS } from './choose-products.ts'
import { loadKernels } from './load-kernels.ts'
import { createNanoSession } from './session.ts'

interface Kernels {
  common: WebAssembly.Module
  /** Fastest first. */
  products: readonly Candidate[]
}

async function prepare(): Promise<Kernels> {
  const builds = await loadKernels()
  const common = builds.get('common')
  if (!common || !WebAssembly.validate(common))
    throw new JikoError('runtime/no-simd', 'nano needs WebAssembly SIMD, which this browser lacks')
  const [module, products] = await Promise.all([WebAssembly.compile(common), chooseProducts(builds)])
  if (products.length === 0) throw new JikoError('runtime/no-simd', 'no kernels of nano compute right on this device')
  return { common: module, products }
}

/**
 * Our own engine: int8 kernels in WebAssembly SIMD, run from a plan that was compiled ahead. Kernels are unpacked,
 * checked and timed with the first session, once for all later ones; from then on the name says which won,
 * e.g. `nano 1 (dot)`.
 */
export function createNanoBackend(): Backend {
  const kernels = createMemo<'kernels', Kernels>()
  let winner = ''
  return {
    get name() {
      return `nano ${PLAN_VERSION}${winner}`
    },
    engine: 'nano',
    async createSession(program, read) {
      if (program.engine !== 'nano')
        throw new JikoError('runtime/engine', `nano cannot run a ${program.engine} program`)
      const plan = parsePlan(await read(program.plan))
      const { common, products } = await kernels.get('kernels', prepare)
      const fit = products.find(({ name }) => PRODUCTS[name] >= plan.weightLimit)
      if (!fit)
        throw new JikoError('runtime/no-kernels', `no kernels of this device take weights up to ${plan.weightLimit}`)
      winner = ` (${fit.name})`
      return createNanoSession(plan, [common, fit.module])
    },
  }
}

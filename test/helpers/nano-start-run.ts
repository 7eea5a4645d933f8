import type { Bytes } from '../../src/lib/bytes.ts'
import type { Session } from '../../src/runtime/backend.ts'
import { createNanoBackend } from '../../src/runtime/nano/nano.ts'

export interface NanoStart {
  /** Milliseconds to make a session, its kernels unpacked, checked and chosen. */
  createMs: number
  /** From then to the first answer. */
  firstMs: number
  /** On the clock of the page or process, which began with it. */
  answeredAt: number
}

/** Everything that a first answer of nano takes, once. */
export async function startNano(
  read: () => Promise<Bytes>,
  { name, dims }: { name: string; dims: readonly number[] },
): Promise<{ times: NanoStart; session: Session }> {
  const data = Float32Array.from({ length: dims.reduce((all, n) => all * n, 1) }, (_, i) => Math.sin(i))
  let plan: Bytes | undefined = await read()
  const start = performance.now()
  const session = await createNanoBackend().createSession({ engine: 'nano', plan: 'plan' }, async () => plan as Bytes)
  plan = undefined
  const created = performance.now()
  await session.run({ [name]: { type: 'float32', dims: [...dims], data } })
  const answered = performance.now()
  return { times: { createMs: created - start, firstMs: answered - created, answeredAt: answered }, session }
}

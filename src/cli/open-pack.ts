import { JikoError } from '../protocol/error.ts'
import { asVariant, type Manifest, type Variant } from '../protocol/manifest.ts'
import type { Answer, TaskInput } from '../protocol/task.ts'
import { startCalls } from '../runtime/feeding.ts'
import { type OpenedSession, openSession } from '../runtime/open-session.ts'
import { taskFor } from '../tasks/table.ts'
import type { Engines } from './engines.ts'
import { type FolderPack, findPack, openFolder } from './pack/open-folder.ts'
import { allTrustedKeys } from './trusted-keys.ts'

/** A pack ready to answer, with the same tasks and engines as the phone. */
export interface RunnablePack {
  readonly pack: FolderPack
  readonly variant: Variant
  readonly opened: OpenedSession
  /** Milliseconds of prepare, run and finish. */
  run(input: TaskInput): Promise<{ answer: Answer; ms: number }>
  dispose(): Promise<void>
}

export interface OpenOptions {
  engines: Engines
  variant?: string
  /** Only this engine, e.g. to compare. */
  engine?: string
}

function pickVariant({ name, variants }: Manifest, wanted: string | undefined, engine: string | undefined): Variant {
  const variant = wanted === undefined ? variants[0] : variants.find((one) => one.name === wanted)
  if (!variant) {
    const names = variants.map((one) => one.name).join(', ')
    throw new JikoError('cli/no-variant', `${name} has no variant "${wanted}"; it has ${names}.`)
  }
  const programs = variant.programs.filter((program) => engine === undefined || program.engine === engine)
  if (programs.length > 0) return { ...variant, programs }
  throw new JikoError('cli/no-variant', `Variant ${variant.name} of ${name} has no program for the engine "${engine}".`)
}

/** @throws JikoError `cli/no-pack`, `pack/...`, `task/unknown`, `runtime/no-backend` */
export async function openPack(
  nameOrFolder: string,
  { engines, variant: wanted, engine }: OpenOptions,
): Promise<RunnablePack> {
  const pack = await openFolder(await findPack(nameOrFolder), await allTrustedKeys())
  const variant = pickVariant(pack.manifest, wanted, engine)
  const manifest = asVariant(pack.manifest, variant)
  const task = await taskFor(manifest, pack.read)
  const opened = await openSession(variant, manifest, engines.backends, pack.read)
  return {
    pack,
    variant,
    opened,
    async run(input) {
      const start = performance.now()
      const answer = await task.run(input, startCalls(opened.session, manifest))
      return { answer, ms: performance.now() - start }
    },
    dispose: () => opened.session.dispose(),
  }
}

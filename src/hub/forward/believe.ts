import { JikoError } from '../../protocol/error.ts'
import type { SyncResponse } from '../../protocol/hub.ts'
import { EMPTY_HASH } from '../../protocol/log.ts'
import type { Above } from '../store/store.ts'
import { ask, type ProgramDeps } from './ask.ts'
import { introduce, type Load } from './compose.ts'

/** `stuck`: the hub above does not take it, for whatever reason; it is tried again another time. `lost`: it had more before. */
export type Outcome = 'moved' | 'settled' | 'stuck' | 'lost'

async function hashAt({ store, program }: ProgramDeps, stream: string, seq: number): Promise<string | undefined> {
  if (seq === 0) return EMPTY_HASH
  return (await store.positions(program, stream, seq, seq))[0]?.hash
}

/** The last line that the hub above and we have alike, found by closing in: it signs an H for each place asked about. */
async function findAgreement(load: Load, differs: number, deps: ProgramDeps, signal?: AbortSignal): Promise<number> {
  const { stream } = load.stream
  const carried = await introduce(deps.store, deps.program, load.stream)
  let alike = 0
  let other = differs
  while (carried && other - alike > 1) {
    const upto = (alike + other) >> 1
    const { ack } = await ask({ [stream]: { ...carried, upto } }, 0, deps, signal)
    const said = ack[stream]
    if (!said || said.upto > upto) {
      throw new JikoError('sync/bad-answer', `the hub above does not say what it has of ${stream} at ${upto}`)
    }
    if ((await hashAt(deps, stream, said.upto)) === said.hash) alike = Math.max(alike, said.upto)
    else other = said.upto
    if (said.upto < upto && alike === said.upto) return alike
  }
  return alike
}

/** How far the root has it by this receipt, where its H is ours. */
async function finalOf(
  stream: string,
  { level, upto, final }: SyncResponse['ack'][string],
  deps: ProgramDeps,
): Promise<number> {
  if (level === 'final') return upto
  return final && (await hashAt(deps, stream, final.upto)) === final.hash ? final.upto : 0
}

/**
 * Notes what the checked answer says of one stream, as far as its H is that of our own chain.
 * @throws JikoError `sync/...`
 */
export async function believe(
  { ack, forks }: SyncResponse,
  load: Load,
  deps: ProgramDeps,
  signal?: AbortSignal,
): Promise<Outcome> {
  const { store, program } = deps
  const { stream, above: before, proven, tip } = load.stream
  const said = ack[stream]
  if (!said || said.upto > load.carried.head[0]) return 'stuck'
  const note = (above: Above): Promise<void> => store.noteAbove(program, stream, above)
  const alike = (await hashAt(deps, stream, said.upto)) === said.hash

  if (before.dividedAfter !== undefined && alike) {
    const held = load.through ?? before.held
    await note({ ...before, held, final: await finalOf(stream, said, deps) })
    if (said.upto < Math.min(before.dividedAfter, load.carried.head[0])) return 'lost'
    return held < tip && held > before.held ? 'moved' : 'settled'
  }
  if (!alike || forks.includes(stream)) {
    const agreed = alike ? said.upto : await findAgreement(load, said.upto, deps, signal)
    const final = Math.min(agreed, alike ? await finalOf(stream, said, deps) : before.final)
    await note({ held: agreed, final, dividedAfter: agreed })
    return agreed === before.dividedAfter ? 'stuck' : 'moved'
  }
  await note({ held: said.upto, final: await finalOf(stream, said, deps) })
  if (said.upto < Math.min(before.held, load.carried.head[0])) return 'lost'
  if (said.upto >= proven) return 'settled'
  return said.upto > before.held ? 'moved' : 'stuck'
}

import { JikoError } from '../protocol/error.ts'
import type { Label } from '../protocol/manifest.ts'
import type { LocalText } from '../protocol/primitives.ts'
import type { RunResult } from '../protocol/worker.ts'
import type { RecordStore } from '../store/store.ts'
import { answerTaught, unpackHead } from '../tasks/teach/head.ts'
import { openTaughtRoom } from './taught-room.ts'

/** A taught pack, ready to turn what its base sees into an answer. */
export interface TaughtAnswers {
  /** Name of the pack that sees. */
  readonly base: string
  readonly name: string
  readonly version: string
  readonly title: LocalText
  readonly labels: readonly Label[]
  readonly threshold: number
  /** @throws JikoError `teach/base-changed` when another version of the base saw it */
  answer(seen: RunResult): RunResult
}

/** @throws JikoError `pack/not-installed`, `teach/bad-pack` */
export async function openTaught(name: string, store: RecordStore): Promise<TaughtAnswers> {
  const settings = { get: store.getSetting, set: store.setSetting }
  const { pack, digest } = await openTaughtRoom(settings, () => store.signer.key).get(name)
  const { base, labels, decision, version, title } = pack
  const learnt = unpackHead(pack.head)
  return {
    base: base.name,
    name,
    version,
    title: { en: title },
    labels,
    threshold: decision.threshold,
    answer(seen) {
      if (seen.packDigest !== base.digest || seen.variant !== base.variant) {
        throw new JikoError(
          'teach/base-changed',
          `"${title}" was taught on ${base.name} ${base.version}, another one is here: teach it anew, or ask for a newer file`,
          { detail: { base: base.name, version: base.version } },
        )
      }
      if (seen.answer.kind !== 'embedding') throw new JikoError('teach/no-features', `${base.name} shows no vectors`)
      const answer = answerTaught(seen.answer.values, learnt, pack)
      return { ...seen, answer, packDigest: digest, threshold: decision.threshold }
    },
  }
}

import type { JSX } from 'preact'
import type { RecordState } from '../../protocol/record.ts'
import { Picture } from '../pictures.tsx'
import { stateName } from '../sync-words.ts'

/** Phone, hut or full circle: how far a record has got, told by outline. */
export function StateMark({ state, words = false }: { state: RecordState; words?: boolean }): JSX.Element {
  if (!words) return <Picture name={state} label={stateName(state)} class="state-mark" />
  return (
    <span class="state-mark">
      <Picture name={state} />
      <span>{stateName(state)}</span>
    </span>
  )
}

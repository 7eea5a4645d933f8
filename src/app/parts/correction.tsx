import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { HistoryEntry } from '../../client/kit.ts'
import type { Label } from '../../protocol/manifest.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { Picture } from '../pictures.tsx'
import { useLanguage } from '../use-value.ts'
import { Failure } from './notice.tsx'

/** A person knows better: the record stays, and a correction is laid over it. */
export function Correction({ entry, labels }: { entry: HistoryEntry; labels: readonly Label[] }): JSX.Element | null {
  const { kit, announce } = useApp()
  const language = useLanguage()
  const [open, setOpen] = useState(false)
  const [error, setError] = useState<unknown>()
  if (labels.length === 0) return null
  const { answer } = entry.body
  const current = entry.corrected ?? ('label' in answer ? answer.label : undefined)

  async function correct(label: string): Promise<void> {
    setError(undefined)
    try {
      await kit.records.correct(entry.id, { label })
      setOpen(false)
      announce(i18n.t('correct.done'))
    } catch (reason) {
      setError(reason)
    }
  }

  return (
    <section class="correction">
      <button
        type="button"
        class="button quiet"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        data-testid="correct"
      >
        <Picture name="pencil" />
        <span>{i18n.t('correct.open')}</span>
      </button>
      {open && (
        <fieldset class="choices">
          <legend class="section">{i18n.t('correct.question')}</legend>
          {labels.map(({ id, name }) => (
            <button
              type="button"
              class="choice"
              key={id}
              aria-pressed={id === current}
              data-testid={`correct-${id}`}
              onClick={() => void correct(id)}
            >
              <span>{localised(name, language)}</span>
              {id === current && <Picture name="check" />}
            </button>
          ))}
        </fieldset>
      )}
      {error !== undefined && <Failure error={error} />}
    </section>
  )
}

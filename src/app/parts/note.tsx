import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { HistoryEntry } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { Picture } from '../pictures.tsx'
import { Failure } from './notice.tsx'

const MOST_LETTERS = 4000

/** What else there is to say, in whatever language; it goes along with the answer. */
export function Note({ entry }: { entry: HistoryEntry }): JSX.Element {
  const { kit, preferences, announce } = useApp()
  const [open, setOpen] = useState(false)
  const [text, setText] = useState('')
  const [error, setError] = useState<unknown>()

  async function save(event: Event): Promise<void> {
    event.preventDefault()
    const words = text.trim()
    if (!words) return
    setError(undefined)
    try {
      const { person } = preferences.value.value
      await kit.records.note(entry.id, words, person === undefined ? {} : { actor: person })
      setText('')
      setOpen(false)
      announce(i18n.t('note.done'))
    } catch (reason) {
      setError(reason)
    }
  }

  return (
    <section class="correction">
      {entry.notes && (
        <ul class="notes" data-testid="notes">
          {entry.notes.map((note, i) => (
            <li key={i} class="said" dir="auto">
              {note}
            </li>
          ))}
        </ul>
      )}
      <button type="button" class="button quiet" aria-expanded={open} data-testid="note" onClick={() => setOpen(!open)}>
        <Picture name="write" />
        <span>{i18n.t('note.open')}</span>
      </button>
      {open && (
        <form class="form" onSubmit={(event) => void save(event)}>
          <label class="field">
            <span>{i18n.t('note.label')}</span>
            <textarea
              dir="auto"
              rows={4}
              maxLength={MOST_LETTERS}
              data-testid="note-text"
              value={text}
              onInput={({ currentTarget }) => setText(currentTarget.value)}
            />
          </label>
          <button type="submit" class="button" disabled={!text.trim()} data-testid="note-save">
            {i18n.t('note.save')}
          </button>
        </form>
      )}
      {error !== undefined && <Failure error={error} />}
    </section>
  )
}

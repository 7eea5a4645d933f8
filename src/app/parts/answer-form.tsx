import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { HistoryEntry } from '../../client/kit.ts'
import { type Form, type Question, readForm } from '../../protocol/form.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { formatNumber } from '../format.ts'
import { Picture } from '../pictures.tsx'
import {
  asked,
  type Filled,
  fieldOf,
  outcomeOf,
  type Trouble,
  troubleWith,
  type Values,
  valuesOf,
} from '../state/form.ts'
import { useLanguage } from '../use-value.ts'
import { Consent } from './consent.tsx'
import { Failure, Notice } from './notice.tsx'
import { QuestionField } from './question-field.tsx'

interface AnswerFormProps {
  entry: HistoryEntry
  form: Form
}

interface UncheckedProps {
  entry: HistoryEntry
  /** As the pack brought it. */
  form: Readonly<Record<string, unknown>>
}

/** A form of a pack; one that this app does not understand is said to be so, and the answer stands. */
export function AnswerForm({ entry, form }: UncheckedProps): JSX.Element {
  const checked = useMemo(() => {
    try {
      return { form: readForm(form) }
    } catch (error) {
      return { error }
    }
  }, [form])
  return 'form' in checked ? <Checked entry={entry} form={checked.form} /> : <Failure error={checked.error} />
}

/** What the programme wants to know besides: filled in now or later, kept with the answer. */
function Checked({ entry, form }: AnswerFormProps): JSX.Element | null {
  const { announce } = useApp()
  const language = useLanguage()
  const { fields = {}, body } = entry
  const filled = form.questions.some(({ name }) => fields[fieldOf(name)] !== undefined)
  const [open, setOpen] = useState(!filled)
  const done = (): void => {
    setOpen(false)
    announce(i18n.t('form.saved'))
  }
  const asksConsent = form.consent === true && body.attachments.some(({ type }) => type.startsWith('image/'))
  // It may only say that faces are hidden.
  if (form.questions.length === 0 && !asksConsent) return null
  const title = form.title ? localised(form.title, language) : i18n.t('form.title')
  return (
    <section class="correction" data-testid="form" data-filled={filled}>
      <h2 class="section" dir="auto">
        {title}
      </h2>
      {asksConsent && <Consent entry={entry} />}
      {filled && !open && <Notice picture="check" title={i18n.t('form.saved')} />}
      {form.questions.length > 0 && !open && (
        <button type="button" class="button" data-testid="form-open" onClick={() => setOpen(true)}>
          {i18n.t('form.change')}
        </button>
      )}
      {open && form.questions.length > 0 && <Questions entry={entry} form={form} onSaved={done} />}
    </section>
  )
}

function Questions({ entry, form, onSaved }: AnswerFormProps & { onSaved(): void }): JSX.Element {
  const { kit, preferences } = useApp()
  const language = useLanguage()
  const [values, setValues] = useState<Values>(() => valuesOf(form, entry.fields))
  const [tried, setTried] = useState(false)
  const [error, setError] = useState<unknown>()
  const answer = entry.corrected ?? ('label' in entry.body.answer ? entry.body.answer.label : undefined)
  const now = asked(form, values, answer)
  const troubles = now.flatMap((question): [Question, Trouble][] => {
    const trouble = troubleWith(question, values[question.name])
    // A photo that was kept before need not be taken again.
    const kept = question.kind === 'photo' && entry.fields?.[fieldOf(question.name)] !== undefined
    return trouble && !kept ? [[question, trouble]] : []
  })
  // A photo or a place takes its time: what was said meanwhile stays said, and what is saved has it in it.
  const set = (name: string, value: Filled | undefined): void => setValues((before) => ({ ...before, [name]: value }))
  const [coming, setComing] = useState(0)
  function wait(work: Promise<void>): void {
    setComing((before) => before + 1)
    void work.finally(() => setComing((before) => before - 1))
  }

  async function save(event: Event): Promise<void> {
    event.preventDefault()
    setTried(true)
    setError(undefined)
    const [first] = troubles
    if (first) {
      document.getElementById(`question-${first[0].name}`)?.focus()
      return
    }
    try {
      const { patch, files } = outcomeOf(form, values, answer)
      for (const { kind, name } of now) {
        if (kind === 'photo' && patch[fieldOf(name)] === null && entry.fields?.[fieldOf(name)])
          delete patch[fieldOf(name)]
      }
      const { person } = preferences.value.value
      await kit.records.correct(entry.id, patch, { files, ...(person !== undefined && { actor: person }) })
      onSaved()
    } catch (reason) {
      setError(reason)
    }
  }

  return (
    <form class="form" noValidate onSubmit={(event) => void save(event)}>
      {now.map((question) => {
        const trouble = tried ? troubles.find(([one]) => one === question)?.[1] : undefined
        return (
          <QuestionField
            key={question.name}
            question={question}
            value={values[question.name]}
            finder={form.blurFaces}
            trouble={trouble && troubleText(trouble, question, language)}
            onChange={(value) => set(question.name, value)}
            onComing={wait}
          />
        )
      })}
      <button type="submit" class="button primary" disabled={coming > 0} data-testid="form-save">
        <Picture name="check" />
        <span>{i18n.t('form.save')}</span>
      </button>
      {error !== undefined && <Failure error={error} />}
    </form>
  )
}

function troubleText(trouble: Trouble, question: Question, language: string): string {
  const limit = (value: number | undefined): string => formatNumber(value ?? 0, language)
  if (trouble === 'required') return i18n.t('form.required')
  if (question.kind !== 'number' || trouble === 'number') return i18n.t('form.number')
  if (trouble === 'whole') return i18n.t('form.whole')
  return trouble === 'least'
    ? i18n.t('form.least', { value: limit(question.least) })
    : i18n.t('form.most', { value: limit(question.most) })
}

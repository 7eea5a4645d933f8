import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { Place } from '../../client/kit.ts'
import { isAbort, raceAbort } from '../../lib/abort.ts'
import type { Question } from '../../protocol/form.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { Picture } from '../pictures.tsx'
import type { Filled } from '../state/form.ts'
import { useLanguage } from '../use-value.ts'
import { BlobImage } from './blob-image.tsx'
import { Failure } from './notice.tsx'
import { plainPhoto } from './plain-photo.ts'

interface QuestionFieldProps {
  question: Question
  value: Filled | undefined
  /** The pack that finds the faces to hide in a photo. */
  finder?: string | undefined
  /** What is wrong with it, in words. */
  trouble: string | undefined
  onChange(value: Filled | undefined): void
  /** Told of a value that is on its way: it is not to be saved without. */
  onComing(work: Promise<void>): void
}

/** One question of a form, by its kind. */
export function QuestionField(props: QuestionFieldProps): JSX.Element {
  const { question, trouble } = props
  const language = useLanguage()
  // The star never stands on a line alone.
  const label = `${localised(question.label, language)}${question.required ? '\u00a0*' : ''}`
  const hint = question.hint && localised(question.hint, language)
  const id = `question-${question.name}`
  const said = { id, 'data-testid': id, 'aria-describedby': `${id}-about`, 'aria-invalid': trouble !== undefined }
  return (
    <div class="question">
      <Input {...props} label={label} said={said} />
      <p id={`${id}-about`} class="small" dir="auto">
        {trouble ? <strong class="trouble">{trouble}</strong> : hint}
      </p>
    </div>
  )
}

interface InputProps extends QuestionFieldProps {
  label: string
  said: Record<string, string | boolean>
}

function Input({ question, value, label, said, finder, onChange, onComing }: InputProps): JSX.Element {
  const language = useLanguage()
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  switch (question.kind) {
    case 'choice': {
      const chosen = Array.isArray(value) ? value : text === '' ? [] : [text]
      const choose = (option: string): void => {
        if (!question.many) onChange(option)
        else onChange(chosen.includes(option) ? chosen.filter((one) => one !== option) : [...chosen, option])
      }
      return (
        <fieldset class="choices" {...said} tabIndex={-1}>
          <legend class="section" dir="auto">
            {label}
          </legend>
          {question.options.map(({ id, label: name }) => (
            <label key={id} class="choice">
              <input
                type={question.many ? 'checkbox' : 'radio'}
                name={question.name}
                checked={chosen.includes(id)}
                data-testid={`${question.name}-${id}`}
                onChange={() => choose(id)}
              />
              <span dir="auto">{localised(name, language)}</span>
            </label>
          ))}
        </fieldset>
      )
    }
    case 'note':
      return (
        <p {...said} class="lead" dir="auto">
          {label}
        </p>
      )
    case 'photo':
      return <PhotoInput {...{ label, said, value, finder, onChange, onComing }} />
    case 'place':
      return <PlaceInput {...{ label, said, onChange, onComing }} value={text} />
    case 'text': {
      const common = { ...said, dir: 'auto' as const, value: text }
      const write = ({ currentTarget }: { currentTarget: { value: string } }): void => onChange(currentTarget.value)
      return (
        <label class="field" for={String(said.id)}>
          <span dir="auto">{label}</span>
          {question.long && <textarea {...common} rows={4} maxLength={4000} onInput={write} />}
          {!question.long && <input {...common} type="text" maxLength={500} onInput={write} />}
        </label>
      )
    }
    case 'date':
      return (
        <label class="field">
          <span dir="auto">{label}</span>
          <input {...said} type="date" value={text} onInput={({ currentTarget }) => onChange(currentTarget.value)} />
        </label>
      )
    default:
      return (
        <label class="field">
          <span dir="auto">{label}</span>
          <input
            {...said}
            type="number"
            inputMode={question.whole ? 'numeric' : 'decimal'}
            step="any"
            value={text}
            onInput={({ currentTarget }) => onChange(currentTarget.value)}
          />
        </label>
      )
  }
}

interface SimpleProps<T> {
  label: string
  said: Record<string, string | boolean>
  value: T
  onChange(value: Filled | undefined): void
}

type Coming = Pick<QuestionFieldProps, 'onComing'>
interface PhotoProps extends SimpleProps<Filled | undefined>, Coming, Pick<QuestionFieldProps, 'finder'> {}

function PhotoInput({ label, said, value, finder, onChange, onComing }: PhotoProps): JSX.Element {
  const { kit } = useApp()
  const [error, setError] = useState<unknown>()
  const [hidden, setHidden] = useState<number>()
  const [looking, setLooking] = useState(false)
  const latest = useRef<Blob | undefined>(undefined)
  async function take(file: Blob): Promise<void> {
    latest.current = file
    // The one chosen last is meant, whichever is ready first.
    const counts = (): boolean => latest.current === file
    setError(undefined)
    setHidden(undefined)
    setLooking(true)
    try {
      const seen = finder === undefined ? { photo: await plainPhoto(file) } : await kit.hideFaces(finder, file)
      if (!counts()) return
      if ('hidden' in seen) setHidden(seen.hidden)
      onChange(seen.photo)
    } catch (reason) {
      if (!counts()) return
      onChange(undefined)
      setError(reason)
    } finally {
      if (counts()) setLooking(false)
    }
  }
  return (
    <>
      <label class="button">
        <input
          {...said}
          type="file"
          accept="image/*"
          capture="environment"
          onChange={({ currentTarget }) => {
            const [file] = currentTarget.files ?? []
            if (file) onComing(take(file))
          }}
        />
        <Picture name={value instanceof Blob ? 'check' : 'camera'} />
        <span dir="auto">{label}</span>
      </label>
      {looking && <p role="status">{i18n.t('form.coming')}</p>}
      {hidden !== undefined && value instanceof Blob && (
        <div class="question" data-testid="form-photo" data-hidden={hidden}>
          <BlobImage blob={value} alt={i18n.t('photo.alt')} whole />
          <p class="small">{i18n.t('faces.hidden', { count: hidden })}</p>
          <button type="button" class="button quiet" onClick={() => onChange(undefined)}>
            <Picture name="close" />
            <span>{i18n.t('faces.left.yes')}</span>
          </button>
        </div>
      )}
      {error !== undefined && <Failure error={error} />}
    </>
  )
}

function PlaceInput({ label, said, value, onChange, onComing }: SimpleProps<string> & Coming): JSX.Element {
  const { places } = useApp()
  const [missing, setMissing] = useState(false)
  const [looking, setLooking] = useState<AbortController>()
  async function find(): Promise<Place | undefined> {
    const source = await places()
    await source.check()
    return source.now()
  }
  async function look(): Promise<void> {
    const controller = new AbortController()
    setLooking(controller)
    setMissing(false)
    try {
      const place = await raceAbort(find(), controller.signal)
      if (place) onChange(`${place.latitude} ${place.longitude} 0 ${Math.round(place.accuracy ?? 0)}`)
      else setMissing(true)
    } catch (error) {
      setMissing(!isAbort(error))
    } finally {
      setLooking(undefined)
    }
  }
  return (
    <>
      <button type="button" class="button" {...said} disabled={looking !== undefined} onClick={() => onComing(look())}>
        <Picture name={value ? 'check' : 'place'} />
        <span dir="auto">{label}</span>
      </button>
      {/* Indoors it may take long, and for ever where nobody answers the browser's own question. */}
      {looking && (
        <>
          <p role="status">{i18n.t('form.coming')}</p>
          <button type="button" class="button quiet" data-testid={`${said.id}-stop`} onClick={() => looking.abort()}>
            {i18n.t('action.stop')}
          </button>
        </>
      )}
      {missing && (
        <p class="small" role="alert">
          {i18n.t('form.no-place')}
        </p>
      )}
    </>
  )
}

import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Lesson } from '../../client/kit.ts'
import { FEWEST_EXAMPLES, MOST_CLASSES } from '../../protocol/taught.ts'
import { useApp } from '../context.ts'
import { Failure, Notice } from '../parts/notice.tsx'
import { Screen } from '../parts/screen.tsx'
import { Picture } from '../pictures.tsx'
import { Learnt } from '../teach/learnt.tsx'
import { LessonKind } from '../teach/lesson-class.tsx'
import { NameForm } from '../teach/name-form.tsx'
import { useValue } from '../use-value.ts'

/** One lesson: its kinds and their examples, learning, and what came of it. Everything is kept as it is given. */
export function LessonScreen({ lesson: id }: { lesson: string }): JSX.Element {
  const { kit, packs } = useApp()
  const [lesson, setLesson] = useState<Lesson | null>()
  const [error, setError] = useState<unknown>()
  const offers = useValue(packs.offers)
  useEffect(() => {
    kit.teach.list().then((all) => setLesson(all.find((one) => one.id === id) ?? null), setError)
  }, [])
  if (lesson === null)
    return (
      <Screen title={i18n.t('teach.title')} inner>
        <Notice picture="doubt" title={i18n.t('teach.gone')} />
      </Screen>
    )
  if (!lesson)
    return (
      <Screen title={i18n.t('teach.title')} inner>
        {error !== undefined && <Failure error={error} />}
      </Screen>
    )
  const base = offers?.find(({ name }) => name === lesson.base)
  const full = lesson.classes.length >= MOST_CLASSES
  const add = (name: string, none = false): void => {
    kit.teach.addClass(id, name, { none }).then(setLesson, setError)
  }
  return (
    <Screen title={lesson.title} inner>
      <div class="lesson" data-testid="lesson">
        {lesson.classes.map((one) => (
          <LessonKind key={one.id} lesson={lesson} of={one} base={base} onChange={setLesson} />
        ))}
        {!full && (
          <NameForm label={i18n.t('lesson.kind-name')} action={i18n.t('lesson.add-kind')} testid="kind" onName={add} />
        )}
        {!full && lesson.classes.length > 0 && lesson.classes.every(({ none }) => !none) && (
          <button
            type="button"
            class="button quiet"
            data-testid="add-none"
            onClick={() => add(i18n.t('lesson.none'), true)}
          >
            {i18n.t('lesson.add-none')}
          </button>
        )}
        <Learning lesson={lesson} onChange={setLesson} />
        <Learnt lesson={lesson} />
        <Leaving lesson={lesson} />
        {error !== undefined && <Failure error={error} />}
      </div>
    </Screen>
  )
}

interface LearningProps {
  lesson: Lesson
  onChange(lesson: Lesson): void
}

function Learning({ lesson, onChange }: LearningProps): JSX.Element {
  const { kit, packs, attempts, announce } = useApp()
  const [maker, setMaker] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const enough =
    lesson.classes.length >= 2 &&
    lesson.classes.some(({ none }) => !none) &&
    lesson.classes.every(({ examples }) => examples.length >= FEWEST_EXAMPLES)

  async function learn(): Promise<void> {
    setBusy(true)
    setError(undefined)
    try {
      const learnt = await kit.teach.train(lesson.id, { maker })
      if (learnt.taught) attempts.forget(learnt.taught.pack)
      await packs.refresh()
      onChange(learnt)
      announce(i18n.t('lesson.learnt'))
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }

  return (
    <section class="actions">
      {!enough && <p>{i18n.t('lesson.least')}</p>}
      {enough && (
        <label class="field">
          <span>{i18n.t('lesson.maker')}</span>
          <input
            type="text"
            dir="auto"
            maxLength={60}
            autocomplete="off"
            value={maker}
            data-testid="maker"
            onInput={({ currentTarget }) => setMaker(currentTarget.value)}
          />
        </label>
      )}
      <button
        type="button"
        class={lesson.taught && !lesson.taught.stale ? 'button' : 'button primary'}
        disabled={!enough || busy}
        data-testid="learn"
        onClick={() => void learn()}
      >
        <Picture name="jiko" />
        <span>{busy ? i18n.t('lesson.learning') : i18n.t('lesson.learn')}</span>
      </button>
      {error !== undefined && <Failure error={error} />}
    </section>
  )
}

/** Examples cannot be had again, so it is asked twice. */
function Leaving({ lesson }: { lesson: Lesson }): JSX.Element {
  const { kit, navigation } = useApp()
  const [asked, setAsked] = useState(false)
  if (!asked) {
    return (
      <button type="button" class="button quiet" data-testid="remove-lesson" onClick={() => setAsked(true)}>
        {i18n.t('lesson.remove')}
      </button>
    )
  }
  return (
    <div class="actions">
      <p role="alert">{i18n.t('lesson.remove.ask')}</p>
      <button
        type="button"
        class="button"
        data-testid="remove-lesson-yes"
        onClick={() => void kit.teach.remove(lesson.id).then(() => navigation.replace({ screen: 'teach' }))}
      >
        {i18n.t('settings.remove.yes')}
      </button>
      <button type="button" class="button quiet" onClick={() => setAsked(false)}>
        {i18n.t('settings.remove.no')}
      </button>
    </div>
  )
}

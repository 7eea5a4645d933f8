import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Lesson } from '../../client/kit.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { Choices } from '../parts/choices.tsx'
import { Failure, Notice } from '../parts/notice.tsx'
import { Screen } from '../parts/screen.tsx'
import { Picture, pictureOf } from '../pictures.tsx'
import { hrefOf } from '../routes.ts'
import { NameForm } from '../teach/name-form.tsx'
import { useLanguage, useValue } from '../use-value.ts'

/** Lessons that are there, and a new one. */
export function TeachScreen(): JSX.Element {
  const { kit } = useApp()
  const [lessons, setLessons] = useState<readonly Lesson[]>()
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    kit.teach.list().then(setLessons, setError)
  }, [])
  return (
    <Screen title={i18n.t('teach.title')} inner>
      <p class="lead">{i18n.t('teach.lead')}</p>
      {error !== undefined && <Failure error={error} />}
      {lessons && lessons.length > 0 && (
        <ul class="rows">
          {lessons.map((lesson) => (
            <LessonRow key={lesson.id} lesson={lesson} />
          ))}
        </ul>
      )}
      {lessons && <NewLesson />}
    </Screen>
  )
}

function LessonRow({ lesson }: { lesson: Lesson }): JSX.Element {
  const count = lesson.classes.reduce((sum, { examples }) => sum + examples.length, 0)
  return (
    <li>
      <a class="row" href={hrefOf({ screen: 'lesson', lesson: lesson.id })} data-testid="lesson-row">
        <span class="row-text">
          <strong dir="auto">{lesson.title}</strong>
          <span class="small">{i18n.t('lesson.examples', { count })}</span>
        </span>
        {lesson.taught && !lesson.taught.stale && <Picture name="check" label={i18n.t('lesson.learnt')} />}
      </a>
    </li>
  )
}

function NewLesson(): JSX.Element | null {
  const { kit, packs, navigation } = useApp()
  const language = useLanguage()
  const offers = useValue(packs.offers)
  const [chosen, setChosen] = useState<string>()
  const [error, setError] = useState<unknown>()
  if (!offers) return null
  const bases = offers.filter(({ state, teaches }) => state === 'ready' && teaches)
  const base = bases.find(({ name }) => name === chosen) ?? bases[0]
  if (!base) {
    return (
      <Notice picture="download" title={i18n.t('teach.none')} text={i18n.t('teach.none.advice')}>
        <a class="button" href={hrefOf({ screen: 'home' })}>
          {i18n.t('nav.home')}
        </a>
      </Notice>
    )
  }
  const begin = (title: string): void => {
    kit.teach.begin(base.name, title).then(({ id }) => navigation.go({ screen: 'lesson', lesson: id }), setError)
  }
  return (
    <section class="lesson">
      <h2 class="section">{i18n.t('teach.new')}</h2>
      <div class="frame">
        <Picture name={pictureOf(base.name, base.takes)} />
      </div>
      {bases.length > 1 && (
        <Choices
          name="base"
          legend={i18n.t('teach.base')}
          value={base.name}
          choices={bases.map(({ name, title }) => ({ value: name, text: localised(title, language) }))}
          onChoose={(name) => setChosen(name)}
        />
      )}
      <NameForm label={i18n.t('teach.name')} action={i18n.t('teach.begin')} testid="lesson" primary onName={begin} />
      {error !== undefined && <Failure error={error} />}
    </section>
  )
}

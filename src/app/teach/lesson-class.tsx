import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { LessonClass as Kind, Lesson, PackOffer } from '../../client/kit.ts'
import { JikoError } from '../../protocol/error.ts'
import { FEWEST_EXAMPLES, MOST_EXAMPLES } from '../../protocol/taught.ts'
import { useApp } from '../context.ts'
import { FinderLine } from '../parts/finder-line.tsx'
import { Failure } from '../parts/notice.tsx'
import { ExampleStrip } from './example-strip.tsx'
import { GiveExample } from './give-example.tsx'

interface KindProps {
  lesson: Lesson
  of: Kind
  /** What it is taught from. */
  base: PackOffer | undefined
  onChange(lesson: Lesson): void
}

/** A kind with its examples: how many there are, how to give more, how to take it back. */
export function LessonKind({ lesson, of, base, onChange }: KindProps): JSX.Element {
  const { kit, announce } = useApp()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const count = of.examples.length
  const counted = i18n.t('lesson.examples', { count })

  async function give(given: readonly Blob[]): Promise<void> {
    setBusy(true)
    setError(undefined)
    try {
      for (const one of given) {
        const input = base?.takes === 'text' ? await one.text() : one
        const changed = await kit.teach.addExample(lesson.id, of.id, input)
        onChange(changed)
        announce(
          i18n.t('lesson.examples', { count: changed.classes.find(({ id }) => id === of.id)?.examples.length ?? 0 }),
        )
      }
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }

  return (
    <section class="kind" data-testid="kind" data-kind={of.id} data-count={count} aria-busy={busy}>
      <h2 dir="auto">{of.name}</h2>
      <p class="figures">
        {counted}
        {count < FEWEST_EXAMPLES && ` · ${i18n.t('lesson.missing', { count: FEWEST_EXAMPLES - count })}`}
      </p>
      {of.none && <p>{i18n.t('lesson.none.hint')}</p>}
      <ExampleStrip lesson={lesson} of={of} onChange={onChange} onError={setError} />
      {error !== undefined && <Failure error={error} />}
      {base && error instanceof JikoError && error.code === 'teach/faces' && <FinderLine offer={base} />}
      {busy && <p role="status">{i18n.t('capture.looking')}</p>}
      {count < MOST_EXAMPLES && <GiveExample takes={base?.takes} busy={busy} onGive={give} onError={setError} />}
      <button
        type="button"
        class="button quiet"
        disabled={busy}
        data-testid="remove-kind"
        onClick={() => kit.teach.removeClass(lesson.id, of.id).then(onChange, setError)}
      >
        {i18n.t('lesson.remove-kind', { kind: of.name })}
      </button>
    </section>
  )
}

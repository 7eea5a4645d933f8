import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Lesson, LessonClass } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { formatNumber } from '../format.ts'
import { Picture } from '../pictures.tsx'
import { useLanguage } from '../use-value.ts'

interface StripProps {
  lesson: Lesson
  of: LessonClass
  onChange(lesson: Lesson): void
  onError(error: unknown): void
}

/** The examples of a kind; pressing one takes it away. */
export function ExampleStrip({ lesson, of, onChange, onError }: StripProps): JSX.Element {
  const { kit } = useApp()
  const language = useLanguage()
  return (
    <ul class="examples">
      {of.examples.map((name, i) => (
        <li key={name}>
          <button
            type="button"
            data-testid="example"
            aria-label={i18n.t('lesson.remove-example', { number: formatNumber(i + 1, language), kind: of.name })}
            onClick={() => kit.teach.removeExample(lesson.id, name).then(onChange, onError)}
          >
            <Small name={name} />
            <Picture name="close" class="corner" />
          </button>
        </li>
      ))}
    </ul>
  )
}

function Small({ name }: { name: string }): JSX.Element {
  const { kit } = useApp()
  const [shown, setShown] = useState<{ url: string } | { text: string }>()
  useEffect(() => {
    let made: string | undefined
    let gone = false
    kit.teach
      .example(name)
      .then(async (blob) => {
        if (!blob || gone) return
        if (blob.type.startsWith('text/')) return setShown({ text: (await blob.text()).slice(0, 40) })
        if (!blob.type.startsWith('image/')) return
        made = URL.createObjectURL(blob)
        setShown({ url: made })
      })
      .catch(() => undefined)
    return () => {
      gone = true
      if (made) URL.revokeObjectURL(made)
    }
  }, [name])
  if (shown && 'url' in shown) return <img src={shown.url} alt="" />
  return <span dir="auto">{shown ? shown.text : <Picture name="microphone" />}</span>
}

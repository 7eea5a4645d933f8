import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { Picture, pictureOf } from '../pictures.tsx'
import { takersOf } from '../state/handed.ts'
import { useLanguage, useValue } from '../use-value.ts'
import { Given } from './given.tsx'
import { Notice } from './plain-notice.tsx'

/** What another app shared: the tasks that take it, as pictures and words. */
export function HandedFiles(): JSX.Element | null {
  const { handed, packs } = useApp()
  const language = useLanguage()
  const waiting = useValue(handed)
  const offers = useValue(packs.offers)
  if (!waiting || !offers) return null
  const takers = takersOf(waiting, offers)
  const [first] = waiting.files
  return (
    <div data-testid="handed">
      <Notice
        picture={waiting.takes === 'image' ? 'photos' : 'file'}
        title={takers.length > 0 ? i18n.t('handed.title') : i18n.t('handed.none')}
        text={takers.length > 0 ? undefined : i18n.t('handed.none.advice')}
      >
        {first && <Given blob={first} />}
        <div class="actions">
          {takers.map(({ name, title, takes }) => (
            <button
              key={name}
              type="button"
              class="button"
              onClick={() => waiting.give(name)}
              data-testid={`for-${name}`}
            >
              <Picture name={pictureOf(name, takes)} />
              <span dir="auto">{localised(title, language)}</span>
            </button>
          ))}
          <button type="button" class="button quiet" onClick={waiting.discard} data-testid="handed-discard">
            {i18n.t('kept.discard')}
          </button>
        </div>
      </Notice>
    </div>
  )
}

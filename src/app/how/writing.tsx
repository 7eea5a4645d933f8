import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Look } from '../../protocol/task.ts'
import { useApp } from '../context.ts'
import { formatNumber } from '../format.ts'
import { formatPercent } from '../format-percent.ts'
import { Choices } from '../parts/choices.tsx'
import { Failure, Notice } from '../parts/notice.tsx'
import { useLanguage, useValue } from '../use-value.ts'

const WRITER = 'tiny-writer'
/** The writer's own tags for languages come first in a text; nobody needs to see them. */
const tagOf = (language: string): string => `<${language}>`

/** Where a small language model looks back, layer by layer, and what it may go on with: live, letter by letter. */
export function Writing(): JSX.Element {
  const { kit, packs } = useApp()
  const language = useLanguage()
  const here = useValue(packs.offers)?.some(({ name, state }) => name === WRITER && state === 'ready')
  const [text, setText] = useState('')
  const [look, setLook] = useState<Look>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()

  async function lookAt(wanted: string): Promise<void> {
    setText(wanted)
    setBusy(true)
    setError(undefined)
    try {
      const seen = await kit.look(WRITER, tagOf(language) + wanted)
      // The tag is a word of the model's, not of the text.
      setLook({ ...seen, words: seen.words.slice(1), layers: seen.layers.map((layer) => layer.slice(1)) })
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }

  return (
    <section class="lesson" data-testid="writing">
      <h2 class="section">{i18n.t('how.writes')}</h2>
      <p>{i18n.t('how.writes.text')}</p>
      {here ? (
        <form
          class="actions"
          onSubmit={(event) => {
            event.preventDefault()
            if (text) void lookAt(text)
          }}
        >
          <label class="field">
            <span>{i18n.t('how.text')}</span>
            <input
              type="text"
              dir="auto"
              maxLength={120}
              autocomplete="off"
              value={text}
              data-testid="how-text"
              onInput={({ currentTarget }) => setText(currentTarget.value)}
            />
          </label>
          <button type="submit" class="button primary" disabled={busy || !text} data-testid="how-look">
            {i18n.t('how.look')}
          </button>
        </form>
      ) : (
        <Notice picture="download" title={i18n.t('how.get')} />
      )}
      {error !== undefined && <Failure error={error} />}
      {look && <Looked look={look} busy={busy} onNext={(next) => void lookAt(text + next)} />}
    </section>
  )
}

interface LookedProps {
  look: Look
  busy: boolean
  onNext(text: string): void
}

function Looked({ look, busy, onNext }: LookedProps): JSX.Element {
  const language = useLanguage()
  const [chosen, setLayer] = useState(0)
  const layer = look.layers[chosen] ?? []
  const most = layer.reduce((max, share) => Math.max(max, share), 1e-6)
  return (
    <>
      {look.layers.length > 1 && (
        <Choices
          pairs
          name="layer"
          legend={i18n.t('how.layer')}
          value={chosen}
          choices={look.layers.map((_, i) => ({ value: i, text: formatNumber(i + 1, language) }))}
          onChoose={(layer) => setLayer(layer)}
        />
      )}
      <h3>{i18n.t('how.back')}</h3>
      <p class="looks-back" dir="auto" data-testid="looks-back">
        {look.words.map((word, i) => (
          <span
            key={i}
            style={{
              borderColor: `color-mix(in srgb, var(--ember) ${Math.round((100 * (layer[i] ?? 0)) / most)}%, transparent)`,
            }}
          >
            {word}
          </span>
        ))}
      </p>
      <h3>{i18n.t('how.next')}</h3>
      <ul class="nexts">
        {look.nexts.map(({ text, share }) => (
          <li key={text}>
            <button type="button" disabled={busy} data-testid="next-letter" onClick={() => onNext(text)}>
              <span dir="auto">{text.trim() ? text : '␣'}</span>
              <span class="bar" style={{ inlineSize: `${Math.max(2, 100 * share)}%` }} />
              <span class="figures">{formatPercent(share, language)}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}

import { i18n } from '@lingui/core'
import type { JSX, TargetedEvent } from 'preact'
import { useState } from 'preact/hooks'
import type { PackOffer } from '../../client/kit.ts'
import { isAbort } from '../../lib/abort.ts'
import { useApp } from '../context.ts'
import { Picture, type PictureName } from '../pictures.tsx'

interface GiveProps {
  takes: PackOffer['takes']
  busy: boolean
  onGive(given: readonly Blob[]): void
  onError(error: unknown): void
}

/** A word of a second with time to begin and to end. */
const LISTEN_SECONDS = 2.5

/** How examples are given, by what the pack takes. */
export function GiveExample({ takes = 'image', busy, onGive, onError }: GiveProps): JSX.Element {
  if (takes === 'text') return <Writing busy={busy} onGive={onGive} />
  if (takes === 'audio') return <Speaking busy={busy} onGive={onGive} onError={onError} />
  if (takes === 'bytes') {
    return (
      <Files picture="file" accept="" busy={busy} onGive={onGive} testid="example-choose">
        {i18n.t('file.choose')}
      </Files>
    )
  }
  return (
    <div class="side">
      <Files picture="camera" accept="image/*" camera busy={busy} onGive={onGive} testid="example-take">
        {i18n.t('photo.take')}
      </Files>
      <Files picture="photos" accept="image/*" busy={busy} onGive={onGive} testid="example-choose">
        {i18n.t('photo.choose')}
      </Files>
    </div>
  )
}

interface FilesProps {
  picture: PictureName
  accept: string
  camera?: boolean
  busy: boolean
  testid: string
  children: string
  onGive(given: readonly Blob[]): void
}

function Files({ picture, accept, camera, busy, testid, children, onGive }: FilesProps): JSX.Element {
  const choose = ({ currentTarget: input }: TargetedEvent<HTMLInputElement>): void => {
    const files = [...(input.files ?? [])]
    // Emptied, so that the same file chosen again is a change again.
    input.value = ''
    if (files.length > 0) onGive(files)
  }
  return (
    <label class="button">
      <input
        type="file"
        {...(accept && { accept })}
        {...(camera ? { capture: 'environment' as const } : { multiple: true })}
        disabled={busy}
        data-testid={testid}
        onChange={choose}
      />
      <Picture name={picture} />
      <span>{children}</span>
    </label>
  )
}

type OneWay = Pick<GiveProps, 'busy' | 'onGive'>

function Speaking({ busy, onGive, onError }: OneWay & Pick<GiveProps, 'onError'>): JSX.Element {
  const { kit } = useApp()
  const [listening, setListening] = useState(false)
  async function listen(): Promise<void> {
    setListening(true)
    try {
      onGive([await kit.listen({ seconds: LISTEN_SECONDS })])
    } catch (error) {
      if (!isAbort(error)) onError(error)
    } finally {
      setListening(false)
    }
  }
  return (
    <div class="side">
      <button type="button" class="button" disabled={busy || listening} onClick={listen} data-testid="example-listen">
        <Picture name="microphone" />
        <span>{listening ? i18n.t('sound.listening') : i18n.t('sound.speak')}</span>
      </button>
      <Files picture="file" accept="audio/*" busy={busy} onGive={onGive} testid="example-choose">
        {i18n.t('sound.choose')}
      </Files>
    </div>
  )
}

function Writing({ busy, onGive }: OneWay): JSX.Element {
  const [text, setText] = useState('')
  const send = (event: Event): void => {
    event.preventDefault()
    if (!text.trim()) return
    onGive([new Blob([text], { type: 'text/plain' })])
    setText('')
  }
  return (
    <form class="actions" onSubmit={send}>
      <label class="writing">
        <span class="unseen">{i18n.t('text.label')}</span>
        <textarea
          dir="auto"
          rows={2}
          data-testid="example-text"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <button type="submit" class="button" disabled={busy || !text.trim()}>
        {i18n.t('lesson.add-example')}
      </button>
    </form>
  )
}

import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Picture } from '../pictures.tsx'
import { BlobImage } from './blob-image.tsx'

/** What somebody gave, as it was given: the photo, the sound to hear again, the words. */
export function Given({ blob }: { blob: Blob }): JSX.Element {
  if (blob.type.startsWith('text/')) return <Words blob={blob} />
  if (blob.type.startsWith('audio/')) return <Sound blob={blob} />
  if (blob.type.startsWith('image/')) return <BlobImage blob={blob} alt={i18n.t('photo.alt')} />
  return (
    <div class="frame">
      <Picture name="file" />
    </div>
  )
}

function Words({ blob }: { blob: Blob }): JSX.Element {
  const [text, setText] = useState('')
  useEffect(() => void blob.text().then(setText), [blob])
  // Written in whatever language: the browser finds out which way it runs.
  return (
    <blockquote class="given-text" dir="auto">
      {text}
    </blockquote>
  )
}

function Sound({ blob }: { blob: Blob }): JSX.Element {
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    const made = URL.createObjectURL(blob)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [blob])
  return (
    // biome-ignore lint/a11y/useMediaCaption: a person's own word, recorded a moment ago
    <audio class="given-sound" controls src={url} aria-label={i18n.t('sound.alt')} />
  )
}

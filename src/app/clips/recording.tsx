import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { HistoryEntry, PackOffer } from '../../client/kit.ts'
import { isAbort } from '../../lib/abort.ts'
import { clipPath, type Said, saidOf } from '../../protocol/clips.ts'
import { useApp } from '../context.ts'
import { Notice } from '../parts/notice.tsx'
import { SpeakButton } from '../parts/speak-button.tsx'
import { useLanguage, useValue } from '../use-value.ts'
import { ClipFetch, useClips } from './clip-fetch.tsx'
import type { Clips } from './stocks.ts'

interface RecordingProps {
  entry: HistoryEntry
  offer: PackOffer
}

/** What the pack has recorded of an answer: played when it is here, else offered at its cost. */
export function Recording({ entry: { body, corrected }, offer }: RecordingProps): JSX.Element | null {
  const language = useLanguage()
  const clips = useClips(offer.name)
  const said = corrected === undefined ? saidOf(body.answer) : { label: corrected }
  const { labels = [], clips: common } = offer
  if (!clips || !said || clipPath({ labels, clips: common }, said, language) === undefined) return null
  return <Clip key={JSON.stringify(said)} clips={clips} said={said} offer={offer} />
}

interface ClipProps {
  clips: Clips
  said: Said
  offer: PackOffer
}

function Clip({ clips, said, offer: { name } }: ClipProps): JSX.Element | null {
  const { kit } = useApp()
  const language = useLanguage()
  const stock = useValue(clips.stocks)[name]?.[language]
  const [clip, setClip] = useState<Blob | 'away'>()
  useEffect(() => {
    if (!stock) return
    kit.clips.get(name, said, language).then(
      (found) => setClip(found ?? 'away'),
      // Whoever wants to hear it is told: an empty file can not be played either.
      () => setClip(new Blob()),
    )
  }, [stock?.have])
  if (clip === 'away') return stock ? <ClipFetch clips={clips} pack={name} stock={stock} /> : null
  return clip ? <Player clip={clip} /> : null
}

function Player({ clip }: { clip: Blob }): JSX.Element {
  const audio = useRef<HTMLAudioElement>(null)
  const [speaking, setSpeaking] = useState(false)
  const [broken, setBroken] = useState(false)
  const url = useMemo(() => URL.createObjectURL(clip), [clip])
  useEffect(() => {
    const playing = audio.current
    return () => {
      playing?.pause()
      URL.revokeObjectURL(url)
    }
  }, [url])
  // At once within the tap: later some phones would not let it sound.
  const toggle = (): void => {
    const { current } = audio
    if (!current) return
    if (!current.paused) {
      current.pause()
      return
    }
    current.currentTime = 0
    current.play().catch((error) => setBroken(!isAbort(error)))
  }
  return (
    <>
      {/* What is said is on the screen, in words. */}
      {/* biome-ignore lint/a11y/useMediaCaption: it says the text above it */}
      <audio
        ref={audio}
        src={url}
        preload="none"
        data-testid="clip"
        onPlay={() => setSpeaking(true)}
        onPause={() => setSpeaking(false)}
        onEnded={() => setSpeaking(false)}
      />
      <SpeakButton speaking={speaking} onPress={toggle} />
      {broken && (
        <div role="alert" data-testid="clip-broken">
          <Notice picture="doubt" title={i18n.t('clip.broken')} text={i18n.t('clip.broken.advice')} />
        </div>
      )}
    </>
  )
}

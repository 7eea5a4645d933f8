import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { HistoryEntry, PackOffer } from '../../client/kit.ts'
import { useLanguage } from '../use-value.ts'
import { synthesis, voiceFor } from '../voices.ts'
import { lazyScreen } from './lazy-screen.tsx'
import { SpeakButton } from './speak-button.tsx'

/** Few packs bring recordings. */
const Recording = lazyScreen(async () => (await import('../clips/clips.ts')).Recording)

interface SpeakProps {
  text: string
  entry: HistoryEntry
  offer: PackOffer | undefined
}

/**
 * Says the answer aloud, for whoever does not read: by a voice of this phone, else as the pack has it recorded. Where
 * neither speaks the language there is no button.
 */
export function Speak({ text, entry, offer }: SpeakProps): JSX.Element | null {
  const language = useLanguage()
  const [voice, setVoice] = useState<SpeechSynthesisVoice>()
  const [speaking, setSpeaking] = useState(false)
  useEffect(() => {
    const speech = synthesis()
    if (!speech) return
    const look = (): void => setVoice(voiceFor(speech.getVoices(), language))
    look()
    // Browsers read their voices late.
    speech.addEventListener?.('voiceschanged', look)
    return () => {
      speech.removeEventListener?.('voiceschanged', look)
      speech.cancel()
    }
  }, [language])
  if (!voice) return offer?.state === 'ready' && offer.recorded ? <Recording entry={entry} offer={offer} /> : null
  const say = (): void => {
    const words = new SpeechSynthesisUtterance(text)
    words.voice = voice
    words.lang = voice.lang
    words.onend = words.onerror = () => setSpeaking(false)
    synthesis()?.speak(words)
  }
  const toggle = (): void => {
    synthesis()?.cancel()
    if (!speaking) say()
    setSpeaking(!speaking)
  }
  return <SpeakButton speaking={speaking} onPress={toggle} />
}

import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Picture } from '../pictures.tsx'
import { useLanguage } from '../use-value.ts'

const synthesis = (): SpeechSynthesis | undefined =>
  (globalThis as { speechSynthesis?: SpeechSynthesis }).speechSynthesis

/** A voice on this phone that speaks the language; those that need a network would be silent in the field. */
export const voiceFor = (voices: readonly SpeechSynthesisVoice[], language: string): SpeechSynthesisVoice | undefined =>
  voices.find(({ lang, localService }) => localService && lang.replace('_', '-').split('-')[0] === language)

/** Says the answer aloud, for whoever does not read. Where no voice speaks the language there is no button. */
export function Speak({ text }: { text: string }): JSX.Element | null {
  const language = useLanguage()
  const [voice, setVoice] = useState<SpeechSynthesisVoice>()
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
  if (!voice) return null
  const say = (): void => {
    const words = new SpeechSynthesisUtterance(text)
    words.voice = voice
    words.lang = voice.lang
    synthesis()?.cancel()
    synthesis()?.speak(words)
  }
  return (
    <button type="button" class="button" onClick={say} data-testid="speak">
      <Picture name="speaker" />
      <span>{i18n.t('answer.speak')}</span>
    </button>
  )
}

export const synthesis = (): SpeechSynthesis | undefined =>
  (globalThis as { speechSynthesis?: SpeechSynthesis }).speechSynthesis

/** A voice on this phone that speaks the language; those that need a network would be silent in the field. */
export const voiceFor = (voices: readonly SpeechSynthesisVoice[], language: string): SpeechSynthesisVoice | undefined =>
  voices.find(({ lang, localService }) => localService && lang.replace('_', '-').split('-')[0] === language)

/** Milliseconds in which a browser has read its voices, where it has any: late, and without a word where there are none. */
const READING = 2000

export async function findVoice(language: string): Promise<SpeechSynthesisVoice | undefined> {
  const speech = synthesis()
  if (speech?.getVoices().length === 0)
    await new Promise((done) => {
      speech.addEventListener?.('voiceschanged', done, { once: true })
      setTimeout(done, READING)
    })
  return voiceFor(speech?.getVoices() ?? [], language)
}

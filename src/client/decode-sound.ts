import { JikoError } from '../protocol/error.ts'
import type { Sound } from '../protocol/task.ts'

/**
 * Decodes a sound file of any kind that the browser can play. Only a page can do it: workers have no audio. What is
 * decoded is at the rate of the context, so that is taken high and the task brings it down itself, the same everywhere.
 * @throws JikoError `input/not-a-sound`
 */
export async function decodeSound(file: Blob): Promise<Sound> {
  const context = new OfflineAudioContext(1, 1, 48_000)
  const buffer = await context.decodeAudioData(await file.arrayBuffer()).catch((cause: unknown) => {
    throw new JikoError('input/not-a-sound', `this browser cannot open ${file.type || 'the file'} as sound`, { cause })
  })
  const samples = new Float32Array(buffer.length)
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const data = buffer.getChannelData(channel)
    for (let i = 0; i < samples.length; i++) {
      samples[i] = (samples[i] as number) + (data[i] as number) / buffer.numberOfChannels
    }
  }
  return { samples, rate: buffer.sampleRate }
}

/** WAV is read by the worker. */
export async function isWavFile(file: Blob): Promise<boolean> {
  const mark = await file.slice(0, 12).text()
  return mark.startsWith('RIFF') && mark.endsWith('WAVE')
}

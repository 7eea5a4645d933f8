import { createDeferred } from '../lib/deferred.ts'
import { encodeWav } from '../lib/wav.ts'
import { JikoError } from '../protocol/error.ts'
import type { ListenOptions } from './kit.ts'

/** What `getUserMedia` rejects with, and what that means to a person. */
const REFUSALS: Readonly<Record<string, readonly [code: `input/${string}`, message: string]>> = {
  NotAllowedError: ['input/microphone-refused', 'the microphone is not allowed here: allow it in the settings'],
  NotFoundError: ['input/no-microphone', 'this device has no microphone'],
  NotReadableError: ['input/no-microphone', 'the microphone is in use by another app'],
}

function explain(cause: unknown): unknown {
  const [code, message] = (cause instanceof Error && REFUSALS[cause.name]) || []
  return code && message ? new JikoError(code, message, { cause }) : cause
}

/**
 * Listens to the microphone: a WAV file of one channel, at the rate that the device likes best; tasks resample.
 * @throws JikoError `input/microphone-refused`, `input/no-microphone`; AbortError
 */
export async function listen({ seconds, signal, onLevel }: ListenOptions): Promise<Blob> {
  signal?.throwIfAborted()
  const devices = navigator.mediaDevices as MediaDevices | undefined
  if (!devices)
    throw new JikoError('input/no-microphone', 'the microphone needs HTTPS: open the app by its https address')
  // Meant for calls: they would cut off the beginning of a word and bend what a model was trained on.
  const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true }
  const stream = await devices.getUserMedia({ audio }).catch((cause: unknown) => {
    throw explain(cause)
  })
  const context = new AudioContext()
  try {
    await context.audioWorklet.addModule(new URL('./microphone-worklet.ts', import.meta.url))
    signal?.throwIfAborted()
    const samples = await record(context, stream, { seconds, signal, onLevel })
    return new Blob([encodeWav(samples, context.sampleRate)], { type: 'audio/wav' })
  } finally {
    for (const track of stream.getTracks()) track.stop()
    await context.close()
  }
}

function record(
  context: AudioContext,
  stream: MediaStream,
  { seconds, signal, onLevel }: { [K in keyof ListenOptions]: ListenOptions[K] | undefined } & { seconds: number },
): Promise<Float32Array<ArrayBuffer>> {
  const samples = new Float32Array(Math.ceil(seconds * context.sampleRate))
  const source = context.createMediaStreamSource(stream)
  const node = new AudioWorkletNode(context, 'jiko-microphone', { numberOfOutputs: 0 })
  const { promise, resolve, reject } = createDeferred<Float32Array<ArrayBuffer>>()
  let heard = 0
  node.port.onmessage = ({ data }: MessageEvent<Float32Array<ArrayBuffer>>) => {
    const piece = data.subarray(0, samples.length - heard)
    samples.set(piece, heard)
    heard += piece.length
    onLevel?.(Math.sqrt(data.reduce((sum, sample) => sum + sample * sample, 0) / data.length))
    if (heard === samples.length) resolve(samples)
  }
  const abort = (): void => reject(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  // The device was pulled out, or another app took it.
  const lost = (): void => reject(new JikoError('input/no-microphone', 'the microphone went away while it listened'))
  for (const track of stream.getTracks()) track.addEventListener('ended', lost)
  source.connect(node)
  return promise.finally(() => {
    signal?.removeEventListener('abort', abort)
    node.port.onmessage = null
    source.disconnect()
  })
}

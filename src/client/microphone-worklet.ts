/** The scope of an AudioWorklet, which TypeScript's DOM does not know. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void

/** Hands on what it hears, 128 samples a time, from the audio thread: nothing is lost while the page is busy. */
class Microphone extends AudioWorkletProcessor {
  process([input]: Float32Array<ArrayBuffer>[][]): boolean {
    const samples = input?.[0]?.slice()
    if (samples) this.port.postMessage(samples, [samples.buffer])
    return true
  }
}

registerProcessor('jiko-microphone', Microphone)

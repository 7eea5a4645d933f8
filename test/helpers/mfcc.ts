/** The features of MLPerf Tiny's keyword spotter: 49 frames of 10 MFCCs of one second at 16 kHz, as [1, 1, 49, 10]. */
const FRAME = 480
const STEP = 320
const SIZE = 512
const BINS = 40
const KEPT = 10

const COSINES = Float64Array.from({ length: SIZE }, (_, i) => Math.cos((2 * Math.PI * i) / SIZE))

/** Samples of a 16-bit mono WAV file, -1 to 1. */
export function wavSamples(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const length = view.getUint32(at + 4, true)
    if (view.getUint32(at) === 0x64617461) {
      const count = Math.min(length, view.byteLength - at - 8) >> 1
      return Float32Array.from({ length: count }, (_, i) => view.getInt16(at + 8 + 2 * i, true) / 32768)
    }
    at += 8 + length + (length & 1)
  }
  throw new Error('no data in this WAV file')
}

const mel = (hertz: number): number => 1127 * Math.log(1 + hertz / 700)

function melWeights(): Float64Array[] {
  const [low, high] = [mel(20), mel(4000)]
  const edges = Array.from({ length: BINS + 2 }, (_, i) => low + ((high - low) * i) / (BINS + 1))
  return Array.from({ length: BINS }, (_, bin) =>
    Float64Array.from({ length: SIZE / 2 + 1 }, (_, k) => {
      const at = mel((k * 16000) / SIZE)
      const [left = 0, centre = 0, right = 0] = edges.slice(bin, bin + 3)
      return k === 0 ? 0 : Math.max(0, Math.min((at - left) / (centre - left), (right - at) / (right - centre)))
    }),
  )
}

const MEL = melWeights()

function magnitudes(frame: Float64Array): Float64Array {
  const out = new Float64Array(SIZE / 2 + 1)
  for (let k = 0; k < out.length; k++) {
    let [re, im] = [0, 0]
    for (let n = 0; n < FRAME; n++) {
      const at = (k * n) % SIZE
      re += (frame[n] as number) * (COSINES[at] as number)
      im -= (frame[n] as number) * (COSINES[(at + (3 * SIZE) / 4) % SIZE] as number)
    }
    out[k] = Math.hypot(re, im)
  }
  return out
}

export function mfcc(samples: Float32Array): Float32Array<ArrayBuffer> {
  const loudest = samples.reduce((most, x) => Math.max(most, x), 1e-6)
  const out = new Float32Array(49 * KEPT)
  for (let t = 0; t < 49; t++) {
    const frame = Float64Array.from({ length: FRAME }, (_, n) => {
      const x = (samples[t * STEP + n] ?? 0) / loudest
      return x * (0.5 - 0.5 * Math.cos((2 * Math.PI * n) / FRAME))
    })
    const spectrum = magnitudes(frame)
    const logs = MEL.map((row) => Math.log(row.reduce((sum, w, k) => sum + w * (spectrum[k] as number), 0) + 1e-6))
    for (let c = 0; c < KEPT; c++) {
      const sum = logs.reduce((total, x, i) => total + x * Math.cos((Math.PI * c * (2 * i + 1)) / (2 * BINS)), 0)
      out[t * KEPT + c] = 2 * sum * Math.sqrt(1 / (2 * BINS))
    }
  }
  return out
}

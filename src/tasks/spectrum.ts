/** Magnitudes of the Fourier transform of real frames; `size` is a power of two. */
export interface Spectrum {
  /** Squares of the magnitudes of bins 0 to size/2; the frame is `size` long and stays as it is. The array is used again. */
  power(frame: Float64Array): Float64Array
}

/** The iterative radix-2 transform, its tables made once. */
export function createSpectrum(size: number): Spectrum {
  const bits = Math.log2(size)
  const swapped = Uint32Array.from({ length: size }, (_, i) => {
    let reversed = 0
    for (let bit = 0; bit < bits; bit++) reversed |= ((i >> bit) & 1) << (bits - 1 - bit)
    return reversed
  })
  const cosines = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size))
  const sines = Float64Array.from({ length: size / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / size))
  const real = new Float64Array(size)
  const imaginary = new Float64Array(size)
  const out = new Float64Array(size / 2 + 1)

  return {
    power(frame) {
      for (let i = 0; i < size; i++) real[i] = frame[swapped[i] as number] as number
      imaginary.fill(0)
      for (let half = 1; half < size; half *= 2) {
        const turn = size / (2 * half)
        for (let start = 0; start < size; start += 2 * half) {
          for (let k = 0; k < half; k++) {
            const [a, b] = [start + k, start + k + half]
            const [c, s] = [cosines[k * turn] as number, sines[k * turn] as number]
            const re = (real[b] as number) * c - (imaginary[b] as number) * s
            const im = (real[b] as number) * s + (imaginary[b] as number) * c
            real[b] = (real[a] as number) - re
            imaginary[b] = (imaginary[a] as number) - im
            real[a] = (real[a] as number) + re
            imaginary[a] = (imaginary[a] as number) + im
          }
        }
      }
      for (let k = 0; k < out.length; k++) out[k] = (real[k] as number) ** 2 + (imaginary[k] as number) ** 2
      return out
    },
  }
}

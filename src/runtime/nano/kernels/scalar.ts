// Entry of the build for engines without SIMD: every operation in plain loops, some fourteen times slower. Bit for bit
// the same results, from the same plans: weights lie as `products.ts` and `depthwise.ts` say.
export { lookup } from "./elementwise";
export { copy, pad } from "./move";
export { gather, largest, reduceReal } from "./rare";
export { clampReal, combineReal, mapReal, normalise, product, softmax, unfold } from "./real";

// @ts-ignore: decorator
@inline
function clampTo(value: i32, low: i32, high: i32): i32 {
  return min(max(value, low), high);
}

// @ts-ignore: decorator
@inline
function requantise(sum: i32, scale: f32, zero: i32, low: i32, high: i32): i8 {
  return <i8>clampTo(<i32>nearest<f32>(<f32>sum * scale) + zero, low, high);
}

// @ts-ignore: decorator
@inline
function fromReal(value: f32, offset: i32, low: i32, high: i32): i8 {
  return <i8>clampTo(<i32>nearest<f32>(min<f32>(max<f32>(value, -4096), 4096)) - offset, low, high);
}

// @ts-ignore: decorator
@inline
function real(at: usize, zero: i32, scale: f32): f32 {
  return scale * <f32>(<i32>load<i8>(at) - zero);
}

export function quantise(
  src: usize,
  dst: usize,
  channels: usize,
  pixels: usize,
  pixelBytes: usize,
  zero: i32,
  scale: f32,
): void {
  for (let c: usize = 0; c < channels; c++) {
    for (let i: usize = 0; i < pixels; i++) {
      const x = load<f32>(src) / scale;
      // What is not a number becomes the least there is, as in the other builds.
      const bounded: f32 = x == x ? min<f32>(max<f32>(x, -4096), 4096) : -4096;
      store<i8>(dst + c + i * pixelBytes, <i8>clampTo(<i32>nearest<f32>(bounded) + zero, -128, 127));
      src += 4;
    }
  }
}

export function dequantise(
  src: usize,
  dst: usize,
  channels: usize,
  pixels: usize,
  pixelBytes: usize,
  zero: i32,
  scale: f32,
): void {
  for (let c: usize = 0; c < channels; c++) {
    for (let i: usize = 0; i < pixels; i++) {
      store<f32>(dst, real(src + c + i * pixelBytes, zero, scale));
      dst += 4;
    }
  }
}

/** A row of `depth` int8 by column n of the weights. */
function dot(src: usize, depth: usize, weights: usize, n: usize): i32 {
  let w = weights + (n >> 3) * (64 + (depth << 3)) + 64 + ((n & 7) << 1);
  let sum: i32 = 0;
  for (let k: usize = 0; k < depth; k += 2) {
    sum += <i32>load<i8>(src + k) * <i32>load<i8>(w) + <i32>load<i8>(src + k, 1) * <i32>load<i8>(w, 1);
    w += 16;
  }
  return sum;
}

function row(
  src: usize,
  dst: usize,
  depth: usize,
  columns: usize,
  weights: usize,
  weightZero: i32,
  zero: i32,
  low: i32,
  high: i32,
): void {
  let sum: i32 = 0;
  if (weightZero) for (let k: usize = 0; k < depth; k++) sum += <i32>load<i8>(src + k);
  for (let n: usize = 0; n < columns; n++) {
    const head = weights + (n >> 3) * (64 + (depth << 3)) + ((n & 7) << 2);
    const all = load<i32>(head) - weightZero * sum + dot(src, depth, weights, n);
    store<i8>(dst + n, requantise(all, load<f32>(head, 32), zero, low, high));
  }
}

export function multiply(
  weights: usize,
  depth: usize,
  columns: usize,
  src: usize,
  dst: usize,
  rows: usize,
  scratch: usize,
  weightZero: i32,
  zero: i32,
  low: i32,
  high: i32,
): void {
  for (let i: usize = 0; i < rows; i++) {
    row(src + i * depth, dst + i * columns, depth, columns, weights, weightZero, zero, low, high);
  }
}

export function convolve(
  weights: usize,
  depth: usize,
  columns: usize,
  src: usize,
  dst: usize,
  outHeight: usize,
  outWidth: usize,
  stepY: usize,
  stepX: usize,
  windowRows: usize,
  rowStep: usize,
  runs: usize,
  runLength: usize,
  runStep: usize,
  pixelBytes: usize,
  scratch: usize,
  weightZero: i32,
  zero: i32,
  low: i32,
  high: i32,
): void {
  for (let y: usize = 0; y < outHeight; y++) {
    for (let x: usize = 0; x < outWidth; x++) {
      let to = scratch;
      for (let i: usize = 0; i < windowRows; i++) {
        for (let r: usize = 0; r < runs; r++) {
          memory.copy(to, src + y * stepY + x * stepX + i * rowStep + r * runStep, runLength);
          to += runLength;
        }
      }
      row(scratch, dst, depth, columns, weights, weightZero, zero, low, high);
      dst += pixelBytes;
    }
  }
}

/** Taps lie `tapBytes(tap)` behind the head of their block; the two depthwise kernels differ in that alone. */
function windows(
  src: usize,
  dst: usize,
  outHeight: usize,
  outWidth: usize,
  channels: usize,
  stepY: usize,
  stepX: usize,
  windowRows: usize,
  rowStep: usize,
  windowColumns: usize,
  columnStep: usize,
  weights: usize,
  zero: i32,
  low: i32,
  high: i32,
  paired: bool,
): void {
  const blockBytes: usize = paired ? 224 : 64 + windowRows * windowColumns * 16;
  for (let y: usize = 0; y < outHeight; y++) {
    for (let x: usize = 0; x < outWidth; x++) {
      for (let c: usize = 0; c < channels; c++) {
        const block = weights + (c >> 3) * blockBytes;
        const lane = c & 7;
        let a = load<i32>(block + (lane << 2));
        let tap: usize = 0;
        for (let i: usize = 0; i < windowRows; i++) {
          for (let j: usize = 0; j < windowColumns; j++) {
            const at = paired ? ((tap >> 1) << 5) + (lane << 2) + ((tap & 1) << 1) : (tap << 4) + (lane << 1);
            const value = <i32>load<i8>(src + y * stepY + x * stepX + i * rowStep + j * columnStep + c);
            a += value * <i32>load<i16>(block + 64 + at);
            tap++;
          }
        }
        store<i8>(dst + c, requantise(a, load<f32>(block + 32 + (lane << 2)), zero, low, high));
      }
      dst += channels;
    }
  }
}

export function depthwise(
  src: usize,
  dst: usize,
  outHeight: usize,
  outWidth: usize,
  channels: usize,
  stepY: usize,
  stepX: usize,
  windowRows: usize,
  rowStep: usize,
  windowColumns: usize,
  columnStep: usize,
  weights: usize,
  zero: i32,
  low: i32,
  high: i32,
): void {
  windows(
    src, dst, outHeight, outWidth, channels, stepY, stepX,
    windowRows, rowStep, windowColumns, columnStep, weights, zero, low, high, false,
  );
}

export function depthwise3(
  src: usize,
  dst: usize,
  outHeight: usize,
  outWidth: usize,
  channels: usize,
  rowStep: usize,
  stride: usize,
  weights: usize,
  zero: i32,
  low: i32,
  high: i32,
): void {
  windows(
    src, dst, outHeight, outWidth, channels, rowStep * stride, channels * stride,
    3, rowStep, 3, channels, weights, zero, low, high, true,
  );
}

export function add(
  a: usize,
  b: usize,
  dst: usize,
  count: usize,
  period: usize,
  zeroA: i32,
  zeroB: i32,
  offset: i32,
  low: i32,
  high: i32,
  scaleA: f32,
  scaleB: f32,
  scale: f32,
  zero: f32,
): void {
  for (let i: usize = 0; i < count; i++) {
    const sum = real(a + i, zeroA, scaleA) + real(b + (i % period), zeroB, scaleB);
    store<i8>(dst + i, fromReal(sum / scale + zero, offset, low, high));
  }
}

export function scale(
  a: usize,
  b: usize,
  dst: usize,
  count: usize,
  period: usize,
  zeroA: i32,
  zeroB: i32,
  offset: i32,
  low: i32,
  high: i32,
  scaleA: f32,
  scaleB: f32,
  scale: f32,
  zero: f32,
): void {
  for (let i: usize = 0; i < count; i++) {
    const product = real(a + i, zeroA, scaleA) * real(b + (i % period), zeroB, scaleB);
    store<i8>(dst + i, fromReal(product / scale + zero, offset, low, high));
  }
}

export function averagePool(
  src: usize,
  dst: usize,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  windowRows: i32,
  windowColumns: i32,
  strideY: i32,
  strideX: i32,
  top: i32,
  left: i32,
  divisor: i32,
  zeroIn: i32,
  offset: i32,
  low: i32,
  high: i32,
  scaleIn: f32,
  scaleOut: f32,
  zero: f32,
): void {
  for (let y = 0; y < outHeight; y++) {
    const firstRow = max(y * strideY - top, 0), lastRow = min(y * strideY - top + windowRows, height);
    for (let x = 0; x < outWidth; x++) {
      const first = max(x * strideX - left, 0), last = min(x * strideX - left + windowColumns, width);
      const count = <f32>(divisor ? divisor : (lastRow - firstRow) * (last - first));
      for (let c = 0; c < channels; c++) {
        let sum: f32 = 0;
        for (let i = firstRow; i < lastRow; i++) {
          for (let j = first; j < last; j++) sum += real(src + <usize>((i * width + j) * channels + c), zeroIn, scaleIn);
        }
        store<i8>(dst++, fromReal(sum / count / scaleOut + zero, offset, low, high));
      }
    }
  }
}

export function maxPool(
  src: usize,
  dst: usize,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  windowRows: i32,
  windowColumns: i32,
  strideY: i32,
  strideX: i32,
  top: i32,
  left: i32,
): void {
  for (let y = 0; y < outHeight; y++) {
    const firstRow = max(y * strideY - top, 0), lastRow = min(y * strideY - top + windowRows, height);
    for (let x = 0; x < outWidth; x++) {
      const first = max(x * strideX - left, 0), last = min(x * strideX - left + windowColumns, width);
      for (let c = 0; c < channels; c++) {
        let most: i32 = -128;
        for (let i = firstRow; i < lastRow; i++) {
          for (let j = first; j < last; j++) {
            most = max(most, <i32>load<i8>(src + <usize>((i * width + j) * channels + c)));
          }
        }
        store<i8>(dst++, <i8>most);
      }
    }
  }
}

export function globalAverage(
  src: usize,
  dst: usize,
  pixels: usize,
  channels: usize,
  zeroIn: i32,
  zero: i32,
  low: i32,
  high: i32,
  scale: f32,
): void {
  for (let c: usize = 0; c < channels; c++) {
    let sum = -(<i32>pixels) * zeroIn;
    for (let i: usize = 0; i < pixels; i++) sum += <i32>load<i8>(src + i * channels + c);
    store<i8>(dst + c, requantise(sum, scale, zero, low, high));
  }
}

export function dense(
  weights: usize,
  depth: usize,
  columns: usize,
  src: usize,
  dst: usize,
  rows: usize,
  scratch: usize,
): void {
  const bytes = (rows * depth) << 2;
  let least: f32 = 0, most: f32 = 0;
  for (let i: usize = 0; i < bytes; i += 4) {
    least = min<f32>(least, load<f32>(src + i));
    most = max<f32>(most, load<f32>(src + i));
  }
  const scale: f32 = most == least ? 1 : (most - least) / 255;
  const zero = <i32>nearest<f32>(min<f32>(max<f32>(-least / scale, 0), 255)) - 128;
  quantise(src, scratch, 1, rows * depth, 1, zero, scale);
  for (; rows > 0; rows--) {
    for (let n: usize = 0; n < columns; n++) {
      const head = weights + (n >> 3) * (64 + (depth << 3)) + ((n & 7) << 2);
      const sum = dot(scratch, depth, weights, n) - zero * load<i32>(head);
      store<f32>(dst, <f32>sum * (scale * load<f32>(head, 32)));
      dst += 4;
    }
    scratch += depth;
  }
}

// Entry of a products build: convolution and matrix product, over one of the variants.
//
// Weights, for every 8 output channels: 8 x i32 bias | 8 x f32 scale | for each pair of inputs k, k+1: 8 x {w[k], w[k+1]} int8.
// The input's zero point is folded into the bias. `weightZero` is the weights' own zero point: the sum of each row of
// inputs times it is taken off; where `depth` is padded the weights hold `weightZero`, so that what lies there cannot count.
import { clamp, magicNumber, sums, zeroPoint } from "./requantise";
import {
  BIAS, firstHigh, firstInputs, firstLow, high, low, pack, repack as repackVariant, ROW_BYTES, rowSum, secondHigh,
  secondInputs, secondLow,
} from "./variant";

export function repack(weights: usize, depth: usize, columns: usize): void {
  repackVariant(weights, depth, columns);
}

/** Sums of rows lie before the packed rows: room for four. Without them, more rows are packed at once. */
const SUMS: usize = 16;
// @ts-ignore: decorator
@inline
function mostRows(factor: i32): usize {
  return factor ? 4 : 8;
}

/** Packed rows times all columns. `step` is the distance between output rows. */
function tile(
  scratch: usize,
  from: usize,
  depth: usize,
  columns: usize,
  weights: usize,
  dst: usize,
  step: usize,
  rows: usize,
  factor: i32,
  zero: i32,
  lowest: i32,
  highest: i32,
): void {
  const vzero = zeroPoint(zero);
  const magic = magicNumber(vzero, zero);
  const vlow = i8x16.splat(<i8>lowest);
  const vhigh = i8x16.splat(<i8>highest);
  const rowBytes = depth * ROW_BYTES;
  if (factor) {
    for (let i: usize = 0; i < rows; i++) store<i32>(scratch + (i << 2), factor * rowSum(from + i * rowBytes, depth));
  }
  for (const end = dst + columns; dst < end; dst += 8) {
    const next = weights + 64 + (depth << 3);
    let to = dst;
    let a = from;
    let left = rows;
    for (; left >= 4; left -= 4) {
      let a0 = v128.load(weights), a1 = v128.load(weights, 16);
      let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
      let b = a + rowBytes, c = b + rowBytes, d = c + rowBytes;
      let w = weights + 64;
      do {
        const i = firstLow(w), j = secondLow(w), k = firstHigh(w), l = secondHigh(w);
        let x = firstInputs(a), y = secondInputs(a);
        a0 = low(a0, x, y, i, j), a1 = high(a1, x, y, k, l);
        x = firstInputs(b), y = secondInputs(b);
        b0 = low(b0, x, y, i, j), b1 = high(b1, x, y, k, l);
        x = firstInputs(c), y = secondInputs(c);
        c0 = low(c0, x, y, i, j), c1 = high(c1, x, y, k, l);
        x = firstInputs(d), y = secondInputs(d);
        d0 = low(d0, x, y, i, j), d1 = high(d1, x, y, k, l);
        w += 32;
        a += 4 * ROW_BYTES, b += 4 * ROW_BYTES, c += 4 * ROW_BYTES, d += 4 * ROW_BYTES;
      } while (w < next);
      if (factor) {
        let s = v128.load_splat<i32>(scratch);
        a0 = i32x4.add(a0, s), a1 = i32x4.add(a1, s);
        s = v128.load_splat<i32>(scratch, 4);
        b0 = i32x4.add(b0, s), b1 = i32x4.add(b1, s);
        s = v128.load_splat<i32>(scratch, 8);
        c0 = i32x4.add(c0, s), c1 = i32x4.add(c1, s);
        s = v128.load_splat<i32>(scratch, 12);
        d0 = i32x4.add(d0, s), d1 = i32x4.add(d1, s);
      }
      const s0 = v128.load(weights, 32), s1 = v128.load(weights, 48);
      const ab = clamp(sums(a0, a1, s0, s1, vzero, magic), sums(b0, b1, s0, s1, vzero, magic), vlow, vhigh);
      const cd = clamp(sums(c0, c1, s0, s1, vzero, magic), sums(d0, d1, s0, s1, vzero, magic), vlow, vhigh);
      v128.store_lane<i64>(to, ab, 0);
      v128.store_lane<i64>((to += step), ab, 1);
      v128.store_lane<i64>((to += step), cd, 0);
      v128.store_lane<i64>((to += step), cd, 1);
      to += step;
      a = d;
    }
    for (let i: usize = 0; i < left; i++) {
      let a0 = v128.load(weights), a1 = v128.load(weights, 16);
      if (factor) {
        const s = v128.load_splat<i32>(scratch + (i << 2));
        a0 = i32x4.add(a0, s), a1 = i32x4.add(a1, s);
      }
      let w = weights + 64;
      do {
        const x = firstInputs(a), y = secondInputs(a);
        a0 = low(a0, x, y, firstLow(w), secondLow(w)), a1 = high(a1, x, y, firstHigh(w), secondHigh(w));
        w += 32;
        a += 4 * ROW_BYTES;
      } while (w < next);
      const s = sums(a0, a1, v128.load(weights, 32), v128.load(weights, 48), vzero, magic);
      v128.store_lane<i64>(to, clamp(s, s, vlow, vhigh), 0);
      to += step;
    }
    weights = next;
  }
}

/** rows x depth times depth x columns; both multiples of 8. Outputs are `columns` bytes a row. */
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
  lowest: i32,
  highest: i32,
): void {
  const factor = -BIAS - weightZero;
  const most = mostRows(factor);
  for (let left = rows; left > 0; ) {
    const count = min<usize>(left, most);
    let from = src;
    // Where rows are read as they lie there is nothing to pack.
    if (ROW_BYTES > 1) {
      from = scratch + SUMS;
      pack(src, from, count * depth);
    }
    tile(scratch, from, depth, columns, weights, dst, columns, count, factor, zero, lowest, highest);
    src += count * depth;
    dst += count * columns;
    left -= count;
  }
}

/**
 * Any kernel, stride and dilation over an image that has its padding already. A window is `windowRows` rows,
 * `rowStep` bytes apart, of `runs` runs of `runLength` bytes, `runStep` apart; side by side they are the depth,
 * padded to a multiple of 8. Windows start `stepX` and `stepY` bytes apart. Output pixels are `pixelBytes` apart.
 */
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
  lowest: i32,
  highest: i32,
): void {
  const factor = -BIAS - weightZero;
  const most = mostRows(factor);
  let x: usize = 0;
  let line = src;
  for (let left = outHeight * outWidth; left > 0; ) {
    const count = min<usize>(left, most);
    for (let i: usize = 0; i < count; i++) {
      let from = line + x * stepX;
      let to = scratch + SUMS + i * depth * ROW_BYTES;
      let run = from;
      let r = runs;
      for (let n = windowRows * runs; n > 0; n--) {
        // Up to 7 values too many: the next run writes over them, and behind the last one weights hold weightZero.
        pack(run, to, runLength);
        to += runLength * ROW_BYTES;
        run += runStep;
        if (--r == 0) {
          r = runs;
          run = from += rowStep;
        }
      }
      if (++x == outWidth) {
        x = 0;
        line += stepY;
      }
    }
    tile(scratch, scratch + SUMS, depth, columns, weights, dst, pixelBytes, count, factor, zero, lowest, highest);
    dst += count * pixelBytes;
    left -= count;
  }
}

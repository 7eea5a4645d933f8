import { bound, magicNumber, sums, zeroPoint } from "./requantise";

/**
 * One filter a channel, any kernel, stride and dilation, over an image that has its padding already.
 * Weights, for every 8 channels: 8 x i32 bias | 8 x f32 scale | 8 x i16 for each tap. All steps are in bytes.
 */
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
  const vzero = zeroPoint(zero);
  const magic = magicNumber(vzero, zero);
  let to = dst;
  for (let y: usize = 0; y < outHeight; y++) {
    let pixel = src;
    for (let x: usize = 0; x < outWidth; x++) {
      let w = weights;
      for (let c: usize = 0; c < channels; c += 8) {
        let a = v128.load(w), b = v128.load(w, 16);
        const s0 = v128.load(w, 32), s1 = v128.load(w, 48);
        w += 64;
        let row = pixel + c;
        for (let i: usize = 0; i < windowRows; i++) {
          let from = row;
          for (let j: usize = 0; j < windowColumns; j++) {
            const value = v128.load_ext<i8>(from);
            const tap = v128.load(w);
            a = i32x4.add(a, i32x4.extmul_low_i16x8_s(value, tap));
            b = i32x4.add(b, i32x4.extmul_high_i16x8_s(value, tap));
            w += 16;
            from += columnStep;
          }
          row += rowStep;
        }
        const r = sums(a, b, s0, s1, vzero, magic);
        v128.store_lane<i64>(to + c, i8x16.narrow_i16x8_s(r, r), 0);
      }
      to += channels;
      pixel += stepX;
    }
    src += stepY;
  }
  bound(dst, to - dst, low, high);
}

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

// @ts-ignore: decorator
@inline
function add(sum: v128, values: v128, taps: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(values, taps));
}

/** Pixels of an output strip: all channels of one are done before the next, while what they read is in the nearest cache. */
const STRIP: usize = 256;

/**
 * 3 x 3 without dilation, the same stride both ways.
 * Weights, for every 8 channels: 8 x i32 bias | 8 x f32 scale | five pairs of taps as 8 x {tap, next tap} i16.
 *
 * Nine taps are five pairs: the first two rows of each column, and the third row's neighbours, of which the last pair has only one.
 */
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
  lowest: i32,
  highest: i32,
): void {
  const vzero = zeroPoint(zero);
  const magic = magicNumber(vzero, zero);
  const second = i32x4.splat(0xffff0000);
  const step = channels * stride;
  const strip = max<usize>(1, STRIP / outWidth);
  let from = src, into = dst;
  for (let left = outHeight; left > 0; ) {
    const rows = min<usize>(strip, left);
    let w = weights;
    for (let c: usize = 0; c < channels; c += 8) {
      const bias0 = v128.load(w), bias1 = v128.load(w, 16);
      const s0 = v128.load(w, 32), s1 = v128.load(w, 48);
      const k0 = v128.load(w, 64), k1 = v128.load(w, 80);
      const k2 = v128.load(w, 96), k3 = v128.load(w, 112);
      const k4 = v128.load(w, 128), k5 = v128.load(w, 144);
      const a0 = v128.bitselect(k2, k0, second), a1 = v128.bitselect(k3, k1, second);
      const b0 = v128.or(i32x4.shr_u(k0, 16), i32x4.shl(k4, 16)), b1 = v128.or(i32x4.shr_u(k1, 16), i32x4.shl(k5, 16));
      const c0 = v128.bitselect(k4, k2, second), c1 = v128.bitselect(k5, k3, second);
      const d0 = v128.load(w, 160), d1 = v128.load(w, 176);
      const e0 = i32x4.shl(v128.load(w, 192), 16), e1 = i32x4.shl(v128.load(w, 208), 16);
      w += 224;
      let line = from + c;
      let to = into + c;
      for (let n = rows; n > 0; n--) {
        let p = line;
        const end = to + outWidth * channels;
        if (stride == 1) {
          // Each column is loaded and paired once for three outputs.
          let q = p + rowStep;
          let a = v128.load_ext<i8>(p), b = v128.load_ext<i8>(q), u = v128.load_ext<i8>(q + rowStep);
          let x0 = low(a, b), x1 = high(a, b);
          p += channels;
          q = p + rowStep;
          a = v128.load_ext<i8>(p), b = v128.load_ext<i8>(q);
          let v = v128.load_ext<i8>(q + rowStep);
          let y0 = low(a, b), y1 = high(a, b), z0 = low(u, v), z1 = high(u, v);
          do {
            p += channels;
            q = p + rowStep;
            let sum0 = add(add(add(bias0, x0, a0), y0, b0), z0, d0);
            let sum1 = add(add(add(bias1, x1, a1), y1, b1), z1, d1);
            u = v, v = v128.load_ext<i8>(q + rowStep);
            z0 = low(u, v), z1 = high(u, v);
            x0 = y0, x1 = y1;
            a = v128.load_ext<i8>(p), b = v128.load_ext<i8>(q);
            y0 = low(a, b), y1 = high(a, b);
            sum0 = add(add(sum0, y0, c0), z0, e0);
            sum1 = add(add(sum1, y1, c1), z1, e1);
            const r = sums(sum0, sum1, s0, s1, vzero, magic);
            v128.store_lane<i64>(to, i8x16.narrow_i16x8_s(r, r), 0);
            to += channels;
          } while (to < end);
        } else {
          let q = p + rowStep;
          let a = v128.load_ext<i8>(p), b = v128.load_ext<i8>(q), u = v128.load_ext<i8>(q + rowStep);
          let x0 = low(a, b), x1 = high(a, b);
          for (;;) {
            q += channels;
            const v = v128.load_ext<i8>(q + rowStep);
            a = v128.load_ext<i8>(p + channels), b = v128.load_ext<i8>(q);
            let sum0 = add(add(add(bias0, x0, a0), low(a, b), b0), low(u, v), d0);
            let sum1 = add(add(add(bias1, x1, a1), high(a, b), b1), high(u, v), d1);
            q += channels;
            u = v128.load_ext<i8>(q + rowStep);
            a = v128.load_ext<i8>(p + 2 * channels), b = v128.load_ext<i8>(q);
            x0 = low(a, b), x1 = high(a, b);
            sum0 = add(add(sum0, x0, c0), low(v, u), e0);
            sum1 = add(add(sum1, x1, c1), high(v, u), e1);
            const r = sums(sum0, sum1, s0, s1, vzero, magic);
            v128.store_lane<i64>(to, i8x16.narrow_i16x8_s(r, r), 0);
            if ((to += channels) >= end) break;
            p += step;
            q = p + rowStep;
            if (stride != 2) {
              // Otherwise its last column is the next one's first.
              u = v128.load_ext<i8>(q + rowStep);
              a = v128.load_ext<i8>(p), b = v128.load_ext<i8>(q);
              x0 = low(a, b), x1 = high(a, b);
            }
          }
        }
        line += rowStep * stride;
      }
    }
    from += rows * rowStep * stride;
    into += rows * outWidth * channels;
    left -= rows;
  }
  bound(dst, into - dst, lowest, highest);
}

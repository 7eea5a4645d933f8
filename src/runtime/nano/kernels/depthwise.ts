import { clamp, magicNumber, sums, zeroPoint } from "./requantise";

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
  const vlow = i8x16.splat(<i8>low);
  const vhigh = i8x16.splat(<i8>high);
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
        v128.store_lane<i64>(dst + c, clamp(r, r, vlow, vhigh), 0);
      }
      dst += channels;
      pixel += stepX;
    }
    src += stepY;
  }
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

/** The second of each pair of `a` with the first of `b`'s. */
// @ts-ignore: decorator
@inline
function middle(a: v128, b: v128): v128 {
  return v128.or(i32x4.shr_u(a, 16), i32x4.shl(b, 16));
}

/**
 * 3 x 3 without dilation, the same stride both ways.
 * Weights, for every 8 channels: 8 x i32 bias | 8 x f32 scale | five pairs of taps as 8 x {tap, next tap} i16.
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
  const vlow = i8x16.splat(<i8>lowest);
  const vhigh = i8x16.splat(<i8>highest);
  const nothing = i32x4.splat(0);
  const second = i32x4.splat(0xffff0000);
  const step = channels * stride;
  const next = channels * 2;
  for (let c: usize = 0; c < channels; c += 8) {
    const bias0 = v128.load(weights), bias1 = v128.load(weights, 16);
    const s0 = v128.load(weights, 32), s1 = v128.load(weights, 48);
    const k0 = v128.load(weights, 64), k1 = v128.load(weights, 80);
    const k2 = v128.load(weights, 96), k3 = v128.load(weights, 112);
    const k4 = v128.load(weights, 128), k5 = v128.load(weights, 144);
    const k6 = v128.load(weights, 160), k7 = v128.load(weights, 176);
    const k8 = v128.load(weights, 192), k9 = v128.load(weights, 208);
    weights += 224;
    let line = src + c;
    let to = dst + c;
    if (stride == 1) {
      // Each column counts in three outputs, and is loaded for them once: pairs of its first two rows, then the third.
      const a0 = v128.bitselect(k2, k0, second), a1 = v128.bitselect(k3, k1, second);
      const b0 = middle(k0, k4), b1 = middle(k1, k5);
      const c0 = v128.bitselect(k4, k2, second), c1 = v128.bitselect(k5, k3, second);
      const d0 = v128.andnot(k6, second), d1 = v128.andnot(k7, second);
      const e0 = i32x4.shr_u(k6, 16), e1 = i32x4.shr_u(k7, 16);
      for (let y: usize = 0; y < outHeight; y++) {
        let p = line;
        let x0 = bias0, x1 = bias1, y0 = bias0, y1 = bias1;
        let skip = 2;
        for (const end = to + outWidth * channels; to < end; p += channels) {
          const q = p + rowStep;
          const a = v128.load_ext<i8>(p), b = v128.load_ext<i8>(q), d = v128.load_ext<i8>(q + rowStep);
          const l = low(a, b), h = high(a, b), m = low(d, nothing), n = high(d, nothing);
          const z0 = i32x4.add(i32x4.add(x0, i32x4.dot_i16x8_s(l, c0)), i32x4.dot_i16x8_s(m, k8));
          const z1 = i32x4.add(i32x4.add(x1, i32x4.dot_i16x8_s(h, c1)), i32x4.dot_i16x8_s(n, k9));
          x0 = i32x4.add(i32x4.add(y0, i32x4.dot_i16x8_s(l, b0)), i32x4.dot_i16x8_s(m, e0));
          x1 = i32x4.add(i32x4.add(y1, i32x4.dot_i16x8_s(h, b1)), i32x4.dot_i16x8_s(n, e1));
          y0 = i32x4.add(i32x4.add(bias0, i32x4.dot_i16x8_s(l, a0)), i32x4.dot_i16x8_s(m, d0));
          y1 = i32x4.add(i32x4.add(bias1, i32x4.dot_i16x8_s(h, a1)), i32x4.dot_i16x8_s(n, d1));
          if (--skip < 0) {
            const sum = sums(z0, z1, s0, s1, vzero, magic);
            v128.store_lane<i64>(to, clamp(sum, sum, vlow, vhigh), 0);
            to += channels;
          }
        }
        line += rowStep;
      }
      continue;
    }
    for (let y: usize = 0; y < outHeight; y++) {
      let p = line;
      for (const end = to + outWidth * channels; to < end; to += channels) {
        const q = p + rowStep;
        const r = q + rowStep;
        let a = v128.load_ext<i8>(p), b = v128.load_ext<i8>(p + channels);
        let x = i32x4.add(bias0, i32x4.dot_i16x8_s(low(a, b), k0));
        let z = i32x4.add(bias1, i32x4.dot_i16x8_s(high(a, b), k1));
        a = v128.load_ext<i8>(p + next), b = v128.load_ext<i8>(q);
        x = i32x4.add(x, i32x4.dot_i16x8_s(low(a, b), k2));
        z = i32x4.add(z, i32x4.dot_i16x8_s(high(a, b), k3));
        a = v128.load_ext<i8>(q + channels), b = v128.load_ext<i8>(q + next);
        x = i32x4.add(x, i32x4.dot_i16x8_s(low(a, b), k4));
        z = i32x4.add(z, i32x4.dot_i16x8_s(high(a, b), k5));
        a = v128.load_ext<i8>(r), b = v128.load_ext<i8>(r + channels);
        x = i32x4.add(x, i32x4.dot_i16x8_s(low(a, b), k6));
        z = i32x4.add(z, i32x4.dot_i16x8_s(high(a, b), k7));
        a = v128.load_ext<i8>(r + next);
        x = i32x4.add(x, i32x4.dot_i16x8_s(low(a, nothing), k8));
        z = i32x4.add(z, i32x4.dot_i16x8_s(high(a, nothing), k9));
        const sum = sums(x, z, s0, s1, vzero, magic);
        v128.store_lane<i64>(to, clamp(sum, sum, vlow, vhigh), 0);
        p += step;
      }
      line += rowStep * stride;
    }
  }
}

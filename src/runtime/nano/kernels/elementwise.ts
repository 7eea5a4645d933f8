import { bound, floats, magicNumber, zeroPoint } from "./requantise";

// Half of eight int8 as f32: scale * (x - zero), as onnxruntime's portable kernels do it.
// @ts-ignore: decorator
@inline
function lowReal(x: v128, zero: v128, scale: v128): v128 {
  return f32x4.mul(scale, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.sub(x, zero))));
}

// @ts-ignore: decorator
@inline
function highReal(x: v128, zero: v128, scale: v128): v128 {
  return f32x4.mul(scale, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(i16x8.sub(x, zero))));
}

/** a + b; `count` a multiple of 8, b repeats after `period` bytes. `offset` and `zero` place the result, see `floats`. */
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
  const sa = f32x4.splat(scaleA), sb = f32x4.splat(scaleB), sc = f32x4.splat(scale), zc = f32x4.splat(zero);
  const za = i16x8.splat(<i16>zeroA), zb = i16x8.splat(<i16>zeroB);
  const at = zeroPoint(-offset), magic = magicNumber(at, -offset);
  let j: usize = 0;
  for (let i: usize = 0; i < count; i += 8) {
    const x = v128.load_ext<i8>(a + i), y = v128.load_ext<i8>(b + j);
    const lows = f32x4.add(lowReal(x, za, sa), lowReal(y, zb, sb));
    const highs = f32x4.add(highReal(x, za, sa), highReal(y, zb, sb));
    const r = floats(f32x4.add(f32x4.div(lows, sc), zc), f32x4.add(f32x4.div(highs, sc), zc), at, magic);
    v128.store_lane<i64>(dst + i, i8x16.narrow_i16x8_s(r, r), 0);
    if ((j += 8) >= period) j = 0;
  }
  bound(dst, count, low, high);
}

/** a * b, otherwise as `add`. */
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
  const sa = f32x4.splat(scaleA), sb = f32x4.splat(scaleB), sc = f32x4.splat(scale), zc = f32x4.splat(zero);
  const za = i16x8.splat(<i16>zeroA), zb = i16x8.splat(<i16>zeroB);
  const at = zeroPoint(-offset), magic = magicNumber(at, -offset);
  let j: usize = 0;
  for (let i: usize = 0; i < count; i += 8) {
    const x = v128.load_ext<i8>(a + i), y = v128.load_ext<i8>(b + j);
    const lows = f32x4.mul(lowReal(x, za, sa), lowReal(y, zb, sb));
    const highs = f32x4.mul(highReal(x, za, sa), highReal(y, zb, sb));
    const r = floats(f32x4.add(f32x4.div(lows, sc), zc), f32x4.add(f32x4.div(highs, sc), zc), at, magic);
    v128.store_lane<i64>(dst + i, i8x16.narrow_i16x8_s(r, r), 0);
    if ((j += 8) >= period) j = 0;
  }
  bound(dst, count, low, high);
}

/** Any function of one int8: `table` holds its 256 results, that of -128 first. `count` is a multiple of 4. */
export function lookup(src: usize, dst: usize, count: usize, table: usize): void {
  for (const end = src + count; src < end; src += 4) {
    const x = load<u32>(src) ^ 0x80808080;
    const a: u32 = load<u8>(table + (x & 255));
    const b: u32 = load<u8>(table + ((x >> 8) & 255));
    const c: u32 = load<u8>(table + ((x >> 16) & 255));
    const d: u32 = load<u8>(table + (x >> 24));
    store<u32>(dst, a | (b << 8) | (c << 16) | (d << 24));
    dst += 4;
  }
}

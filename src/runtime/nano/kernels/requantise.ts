// From int32 sums back to int8: multiply in f32, round half to even, add the zero point.
// Bit for bit what onnxruntime does, provided |sum * scale| < 2^22, which the lowering proves for every channel.

/**
 * Bits of the magic number, 1.5 * 2^23: adding that leaves the rounded integer in the low mantissa bits, by one addition
 * instead of a slow `nearest`.
 */
const MAGIC_BITS: i32 = 0x4b400000;

// @ts-ignore: decorator
@inline
export function sums(a: v128, b: v128, scaleA: v128, scaleB: v128, zero: v128, magic: v128): v128 {
  return i16x8.narrow_i32x4_s(
    i32x4.sub(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(a), scaleA), magic), zero),
    i32x4.sub(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(b), scaleB), magic), zero),
  );
}

/** What `sums` takes as `zero`: the magic number's bits less the output's zero point. */
// @ts-ignore: decorator
@inline
export function zeroPoint(zero: i32): v128 {
  return i32x4.splat(MAGIC_BITS - zero);
}

/**
 * The magic number again, by a way that no compiler folds: written as a constant it would stand inside the loops, where V8
 * builds it anew each time, in three instructions.
 */
// @ts-ignore: decorator
@inline
export function magicNumber(zeroPoint: v128, zero: i32): v128 {
  return i32x4.add(zeroPoint, i32x4.splat(zero));
}

/** Bounds of an output, where it has closer ones than int8, which narrowing keeps anyway: seldom, so in a pass of its own. */
export function bound(at: usize, bytes: usize, low: i32, high: i32): void {
  if (low == -128 && high == 127) return;
  const least = i8x16.splat(<i8>low), most = i8x16.splat(<i8>high);
  for (const end = at + bytes; at < end; at += 8) {
    v128.store_lane<i64>(at, i8x16.min_s(i8x16.max_s(v128.load_zero<i64>(at), least), most), 0);
  }
}

/**
 * Eight f32 values below 2^22, already scaled and with the zero point added, to int8. `zero` as `sums` takes it: there the
 * zero point is -128 where the model's type is uint8.
 */
// @ts-ignore: decorator
@inline
export function floats(a: v128, b: v128, zero: v128, magic: v128): v128 {
  return i16x8.narrow_i32x4_s(i32x4.sub(f32x4.add(a, magic), zero), i32x4.sub(f32x4.add(b, magic), zero));
}

/**
 * What `bounded` takes as its bound: the magic number's negative. Added up they are 0, as an integer far below all results;
 * values below would wrap around. Above, bits of floats grow as their values do, and the narrowing saturates.
 */
// @ts-ignore: decorator
@inline
export function lowestReal(magic: v128): v128 {
  return f32x4.neg(magic);
}

/** A real that is safe for the magic number; NaN becomes the lower bound. */
// @ts-ignore: decorator
@inline
export function bounded(a: v128, lowest: v128): v128 {
  return f32x4.pmax(lowest, a);
}

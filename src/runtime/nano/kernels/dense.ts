import { bounded, lowestReal, magicNumber, zeroPoint } from "./requantise";

/**
 * rows x depth reals by int8 weights, `depth` and `columns` multiples of 8. The reals are quantised as they come, by the
 * range of all of them (ONNX DynamicQuantizeLinear), into pairs of int16 in `scratch`. Weights lie as for `multiply`, with
 * the sum of each column where its bias would be: result = (sum of products - zero x sum of weights) x both scales.
 */
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
  let low = f32x4.splat(0), high = low;
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(src + i);
    low = f32x4.min(low, x);
    high = f32x4.max(high, x);
  }
  v128.store(scratch, low);
  v128.store(scratch, high, 16);
  let least: f32 = 0, most: f32 = 0;
  for (let i: usize = 0; i < 16; i += 4) {
    least = min<f32>(least, load<f32>(scratch + i));
    most = max<f32>(most, load<f32>(scratch + i, 16));
  }
  const scale: f32 = most == least ? 1 : (most - least) / 255;
  const zero = <i32>nearest<f32>(min<f32>(max<f32>(-least / scale, 0), 255)) - 128;
  const vscale = f32x4.splat(scale), place = zeroPoint(zero);
  const magic = magicNumber(place, zero), bound = lowestReal(magic);
  const lowest = i16x8.splat(-128), highest = i16x8.splat(127);
  for (let i: usize = 0; i < bytes; i += 32) {
    const a = i32x4.sub(f32x4.add(bounded(f32x4.div(v128.load(src + i), vscale), bound), magic), place);
    const b = i32x4.sub(f32x4.add(bounded(f32x4.div(v128.load(src + i, 16), vscale), bound), magic), place);
    v128.store(scratch + (i >> 1), i16x8.min_s(i16x8.max_s(i16x8.narrow_i32x4_s(a, b), lowest), highest));
  }
  const shift = i32x4.splat(zero);
  for (; rows > 0; rows--) {
    const end = scratch + (depth << 1);
    let w = weights;
    for (let n: usize = 0; n < columns; n += 8) {
      const s0 = f32x4.mul(vscale, v128.load(w, 32)), s1 = f32x4.mul(vscale, v128.load(w, 48));
      let a = i32x4.mul(shift, v128.load(w)), b = i32x4.mul(shift, v128.load(w, 16));
      a = i32x4.neg(a);
      b = i32x4.neg(b);
      w += 64;
      for (let from = scratch; from < end; from += 4) {
        const x = v128.load_splat<i32>(from);
        a = i32x4.add(a, i32x4.dot_i16x8_s(x, v128.load_ext<i8>(w)));
        b = i32x4.add(b, i32x4.dot_i16x8_s(x, v128.load_ext<i8>(w, 8)));
        w += 16;
      }
      v128.store(dst, f32x4.mul(f32x4.convert_i32x4_s(a), s0));
      v128.store(dst, f32x4.mul(f32x4.convert_i32x4_s(b), s1), 16);
      dst += 32;
    }
    scratch = end;
  }
}

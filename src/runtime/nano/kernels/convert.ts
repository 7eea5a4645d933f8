import { bounded, lowestReal, magicNumber, zeroPoint } from "./requantise";

/** f32 planes (NCHW) to int8 pixels of `pixelBytes`: round(x / scale) + zero. */
export function quantise(
  src: usize,
  dst: usize,
  channels: usize,
  pixels: usize,
  pixelBytes: usize,
  zero: i32,
  scale: f32,
): void {
  const vscale = f32x4.splat(scale);
  const vzero = zeroPoint(zero);
  const magic = magicNumber(vzero, zero), lowest = lowestReal(magic);
  for (let c: usize = 0; c < channels; c++) {
    let to = dst + c;
    let left = pixels;
    for (; left >= 4; left -= 4) {
      const x = bounded(f32x4.div(v128.load(src), vscale), lowest);
      const y = i32x4.sub(f32x4.add(x, magic), vzero);
      const words = i16x8.narrow_i32x4_s(y, y);
      const bytes = i8x16.narrow_i16x8_s(words, words);
      v128.store_lane<i8>(to, bytes, 0);
      v128.store_lane<i8>((to += pixelBytes), bytes, 1);
      v128.store_lane<i8>((to += pixelBytes), bytes, 2);
      v128.store_lane<i8>((to += pixelBytes), bytes, 3);
      to += pixelBytes;
      src += 16;
    }
    for (; left > 0; left--) {
      const x = bounded(f32x4.div(v128.load_splat<i32>(src), vscale), lowest);
      const y = i32x4.sub(f32x4.add(x, magic), vzero);
      const words = i16x8.narrow_i32x4_s(y, y);
      v128.store_lane<i8>(to, i8x16.narrow_i16x8_s(words, words), 0);
      to += pixelBytes;
      src += 4;
    }
  }
}

/** int8 pixels to f32 planes (NCHW): (x - zero) * scale. */
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
    for (let from = src + c, end = from + pixels * pixelBytes; from < end; from += pixelBytes) {
      store<f32>(dst, <f32>(<i32>load<i8>(from) - zero) * scale);
      dst += 4;
    }
  }
}

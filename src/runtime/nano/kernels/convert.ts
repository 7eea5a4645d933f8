import { bounded, lowestReal, magicNumber, zeroPoint } from "./requantise";

// @ts-ignore: decorator
@inline
function place(x: v128, scale: v128, lowest: v128, magic: v128, zero: v128): v128 {
  return i32x4.sub(f32x4.add(bounded(f32x4.div(x, scale), lowest), magic), zero);
}

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
  const plane = pixels << 2;
  if (channels == 3 && pixelBytes == 3) {
    // A picture: four pixels of three planes are twelve bytes.
    for (; pixels >= 4; pixels -= 4) {
      const r = place(v128.load(src), vscale, lowest, magic, vzero);
      const g = place(v128.load(src + plane), vscale, lowest, magic, vzero);
      const b = place(v128.load(src + 2 * plane), vscale, lowest, magic, vzero);
      const all = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(r, g), i16x8.narrow_i32x4_s(b, b));
      const mixed = v128.shuffle<i8>(all, all, 0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 0, 0, 0, 0);
      v128.store_lane<i64>(dst, mixed, 0);
      v128.store_lane<i32>(dst, mixed, 2, 8);
      dst += 12;
      src += 16;
    }
  }
  for (let c: usize = 0; c < channels; c++) {
    let from = src;
    let to = dst + c;
    let left = pixels;
    for (; left >= 4; left -= 4) {
      const y = place(v128.load(from), vscale, lowest, magic, vzero);
      const words = i16x8.narrow_i32x4_s(y, y);
      const bytes = i8x16.narrow_i16x8_s(words, words);
      v128.store_lane<i8>(to, bytes, 0);
      v128.store_lane<i8>((to += pixelBytes), bytes, 1);
      v128.store_lane<i8>((to += pixelBytes), bytes, 2);
      v128.store_lane<i8>((to += pixelBytes), bytes, 3);
      to += pixelBytes;
      from += 16;
    }
    for (; left > 0; left--) {
      const y = place(v128.load_splat<i32>(from), vscale, lowest, magic, vzero);
      const words = i16x8.narrow_i32x4_s(y, y);
      v128.store_lane<i8>(to, i8x16.narrow_i16x8_s(words, words), 0);
      to += pixelBytes;
      from += 4;
    }
    src += plane;
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

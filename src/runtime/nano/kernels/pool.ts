import { bound, floats, magicNumber, sums, zeroPoint } from "./requantise";

/**
 * Windows are cut at the image's edges. The sum runs in f32 in reading order and is divided twice, as onnxruntime
 * does, because halves are frequent here and must round its way. `divisor` 0 means the pixels that the window has.
 */
export function averagePool(
  src: usize,
  dst: usize,
  height: i32,
  width: i32,
  channels: usize,
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
  const vin = f32x4.splat(scaleIn), vout = f32x4.splat(scaleOut), vzero = f32x4.splat(zero);
  const zin = i16x8.splat(<i16>zeroIn);
  const at = zeroPoint(-offset), magic = magicNumber(at, -offset);
  let to = dst;
  for (let y = 0; y < outHeight; y++) {
    const firstRow = max(y * strideY - top, 0), lastRow = min(y * strideY - top + windowRows, height);
    for (let x = 0; x < outWidth; x++) {
      const first = max(x * strideX - left, 0), last = min(x * strideX - left + windowColumns, width);
      const count = f32x4.splat(<f32>(divisor ? divisor : (lastRow - firstRow) * (last - first)));
      for (let c: usize = 0; c < channels; c += 8) {
        let a = f32x4.splat(0), b = a;
        for (let i = firstRow; i < lastRow; i++) {
          let from = src + <usize>(i * width + first) * channels + c;
          for (let j = first; j < last; j++) {
            const value = i16x8.sub(v128.load_ext<i8>(from), zin);
            a = f32x4.add(a, f32x4.mul(vin, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(value))));
            b = f32x4.add(b, f32x4.mul(vin, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(value))));
            from += channels;
          }
        }
        const r = floats(
          f32x4.add(f32x4.div(f32x4.div(a, count), vout), vzero),
          f32x4.add(f32x4.div(f32x4.div(b, count), vout), vzero),
          at,
          magic,
        );
        v128.store_lane<i64>(to + c, i8x16.narrow_i16x8_s(r, r), 0);
      }
      to += channels;
    }
  }
  bound(dst, to - dst, low, high);
}

/** Windows are cut at the image's edges. */
export function maxPool(
  src: usize,
  dst: usize,
  height: i32,
  width: i32,
  channels: usize,
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
      for (let c: usize = 0; c < channels; c += 8) {
        let most = i8x16.splat(-128);
        for (let i = firstRow; i < lastRow; i++) {
          let from = src + <usize>(i * width + first) * channels + c;
          for (let j = first; j < last; j++) {
            most = i8x16.max_s(most, v128.load_zero<i64>(from));
            from += channels;
          }
        }
        v128.store_lane<i64>(dst + c, most, 0);
      }
      dst += channels;
    }
  }
}

/** Mean of all pixels by int32 sums: round((sum - pixels * zeroIn) * scale) + zero. */
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
  const vscale = f32x4.splat(scale);
  const vzero = zeroPoint(zero);
  const magic = magicNumber(vzero, zero);
  const start = i32x4.splat(-(<i32>pixels) * zeroIn);
  for (let c: usize = 0; c < channels; c += 8) {
    let a = start, b = start;
    for (let from = src + c, end = from + pixels * channels; from < end; from += channels) {
      const x = v128.load_ext<i8>(from);
      a = i32x4.add(a, i32x4.extend_low_i16x8_s(x));
      b = i32x4.add(b, i32x4.extend_high_i16x8_s(x));
    }
    const r = sums(a, b, vscale, vscale, vzero, magic);
    v128.store_lane<i64>(dst + c, i8x16.narrow_i16x8_s(r, r), 0);
  }
  bound(dst, channels, low, high);
}

// Entry of a products build: convolution and matrix product, over one of the variants.
//
// Weights, for every 8 output channels: 8 x i32 bias | 8 x f32 scale | for each pair of inputs k, k+1: 8 x {w[k], w[k+1]} int8.
// The input's zero point is folded into the bias. `weightZero` is the weights' own zero point: the sum of each row of
// inputs times it is taken off; where `depth` is padded the weights hold `weightZero`, so that what lies there cannot count.
import { BIAS, pack, repack as repackVariant, tile1, tile4 } from "./variant";

export function repack(weights: usize, depth: usize, columns: usize): void {
  repackVariant(weights, depth, columns);
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
  low: i32,
  high: i32,
): void {
  const factor = -BIAS - weightZero;
  let left = rows;
  for (; left >= 4; left -= 4) {
    pack(src, src + depth, src + 2 * depth, src + 3 * depth, depth, scratch, factor);
    tile4(scratch, depth, columns, weights, dst, columns, zero, low, high);
    src += 4 * depth;
    dst += 4 * columns;
  }
  for (; left > 0; left--) {
    tile1(src, depth, columns, weights, dst, factor, zero, low, high);
    src += depth;
    dst += columns;
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
  low: i32,
  high: i32,
): void {
  const factor = -BIAS - weightZero;
  const rows = scratch + 16 + depth * 16;
  const pixels = outHeight * outWidth;
  let x: usize = 0;
  let line = src;
  for (let done: usize = 0; done < pixels; ) {
    const count = min<usize>(pixels - done, 4);
    for (let i: usize = 0; i < count; i++) {
      let from = line + x * stepX;
      let to = rows + i * depth;
      for (let y: usize = 0; y < windowRows; y++) {
        let run = from;
        for (let r: usize = 0; r < runs; r++) {
          // Up to 7 bytes too many: the next run writes over them, and behind the last one weights hold weightZero.
          for (let t: usize = 0; t < runLength; t += 8) store<u64>(to + t, load<u64>(run + t));
          to += runLength;
          run += runStep;
        }
        from += rowStep;
      }
      if (++x == outWidth) {
        x = 0;
        line += stepY;
      }
    }
    if (count == 4) {
      pack(rows, rows + depth, rows + 2 * depth, rows + 3 * depth, depth, scratch, factor);
      tile4(scratch, depth, columns, weights, dst, pixelBytes, zero, low, high);
    } else {
      for (let i: usize = 0; i < count; i++) {
        tile1(rows + i * depth, depth, columns, weights, dst + i * pixelBytes, factor, zero, low, high);
      }
    }
    dst += count * pixelBytes;
    done += count;
  }
}

/** An image of `height` rows of `rowBytes` into a larger one; the border is filled with `value`. All widths in bytes. */
export function pad(
  src: usize,
  dst: usize,
  height: usize,
  rowBytes: usize,
  left: usize,
  right: usize,
  top: usize,
  bottom: usize,
  value: i32,
): void {
  const width = left + rowBytes + right;
  memory.fill(dst, <u8>value, width * top);
  dst += width * top;
  for (let y: usize = 0; y < height; y++) {
    memory.fill(dst, <u8>value, left);
    memory.copy(dst + left, src, rowBytes);
    memory.fill(dst + left + rowBytes, <u8>value, right);
    dst += width;
    src += rowBytes;
  }
  memory.fill(dst, <u8>value, width * bottom);
}

/** Pieces of `bytes`, in `outer` groups of `inner`: concatenation, slices, transposition, nearest neighbours. */
export function copy(
  src: usize,
  dst: usize,
  outer: usize,
  inner: usize,
  bytes: usize,
  srcOuter: usize,
  srcInner: usize,
  dstOuter: usize,
  dstInner: usize,
): void {
  for (let i: usize = 0; i < outer; i++) {
    let from = src;
    let to = dst;
    for (let j: usize = 0; j < inner; j++) {
      if (bytes == 1) store<u8>(to, load<u8>(from));
      else if (bytes == 4) store<u32>(to, load<u32>(from));
      else memory.copy(to, from, bytes);
      from += srcInner;
      to += dstInner;
    }
    src += srcOuter;
    dst += dstOuter;
  }
}

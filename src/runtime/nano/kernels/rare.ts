// What is seldom asked for or bound by memory: one value at a time, the same in all builds.

/** Sum, largest, or place of the first largest of `count` values that lie `inner` apart, in the order of `REDUCTIONS`. */
export function reduceReal(src: usize, dst: usize, outer: usize, count: usize, inner: usize, kind: i32): void {
  const step = inner << 2;
  for (; outer > 0; outer--) {
    for (let j: usize = 0; j < step; j += 4) {
      let most: f32 = kind ? -Infinity : 0, place: usize = 0;
      for (let i: usize = 0; i < count; i++) {
        const x = load<f32>(src + j + i * step);
        if (!kind) most += x;
        else if (x > most) {
          most = x;
          place = i;
        }
      }
      store<f32>(dst, kind == 2 ? <f32>place : most);
      dst += 4;
    }
    src += count * step;
  }
}

/** Pieces of `bytes` by their place among `count`; places outside are taken as the last, negative ones from the end. */
export function gather(
  src: usize,
  indices: usize,
  dst: usize,
  outer: usize,
  pieces: usize,
  bytes: usize,
  count: usize,
): void {
  for (; outer > 0; outer--) {
    for (let i: usize = 0; i < pieces; i++) {
      const given = load<f32>(indices + (i << 2));
      const place = given < 0 ? given + <f32>count : given;
      // What is not a number is taken as the first.
      const at: usize = place >= 1 ? (place < <f32>count ? <usize>place : count - 1) : 0;
      memory.copy(dst, src + at * bytes, bytes);
      dst += bytes;
    }
    src += count * bytes;
  }
}

/** The `most` largest of each row of `count`, largest first, and their places; `src` is used up. */
export function largest(src: usize, dst: usize, indices: usize, rows: usize, count: usize, most: usize): void {
  for (; rows > 0; rows--) {
    for (let k: usize = 0; k < most; k++) {
      let best = src;
      for (let i: usize = 0; i < count << 2; i += 4) if (load<f32>(src + i) > load<f32>(best)) best = src + i;
      store<f32>(dst, load<f32>(best));
      store<f32>(indices, <f32>((best - src) >> 2));
      store<f32>(best, -Infinity);
      dst += 4;
      indices += 4;
    }
    src += count << 2;
  }
}

import { exp } from "./exp";

/** f32 rows of `count`, each made to sum to 1. `dst` may be `src`. */
export function softmax(src: usize, dst: usize, rows: usize, count: usize): void {
  const bytes = count << 2;
  for (; rows > 0; rows--) {
    let most: f32 = -Infinity;
    for (let i: usize = 0; i < bytes; i += 4) most = max(most, load<f32>(src + i));
    const vmost = f32x4.splat(most);
    let sum: f32 = 0;
    for (let i: usize = 0; i < bytes; i += 4) {
      const e = f32x4.extract_lane(exp(f32x4.sub(v128.load_splat<i32>(src + i), vmost)), 0);
      store<f32>(dst + i, e);
      sum += e;
    }
    for (let i: usize = 0; i < bytes; i += 4) store<f32>(dst + i, load<f32>(dst + i) / sum);
    src += bytes;
    dst += bytes;
  }
}

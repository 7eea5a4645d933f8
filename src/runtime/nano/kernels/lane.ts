// One f32 at a time: what `lanes.ts` is for engines with SIMD.

export type V = f32;
export const STEP: usize = 4;

// @ts-ignore: decorator
@inline
export function fetch(at: usize): V {
  return load<f32>(at);
}
// @ts-ignore: decorator
@inline
export function put(at: usize, x: V): void {
  store<f32>(at, x);
}
// @ts-ignore: decorator
@inline
export function all(x: f32): V {
  return x;
}
// @ts-ignore: decorator
@inline
export function plus(a: V, b: V): V {
  return a + b;
}
// @ts-ignore: decorator
@inline
export function minus(a: V, b: V): V {
  return a - b;
}
// @ts-ignore: decorator
@inline
export function times(a: V, b: V): V {
  return a * b;
}
// @ts-ignore: decorator
@inline
export function over(a: V, b: V): V {
  return a / b;
}
// @ts-ignore: decorator
@inline
export function least(a: V, b: V): V {
  return min<f32>(a, b);
}
// @ts-ignore: decorator
@inline
export function most(a: V, b: V): V {
  return max<f32>(a, b);
}
// @ts-ignore: decorator
@inline
export function root(a: V): V {
  return sqrt<f32>(a);
}
// @ts-ignore: decorator
@inline
export function size(a: V): V {
  return abs<f32>(a);
}
// @ts-ignore: decorator
@inline
export function down(a: V): V {
  return floor<f32>(a);
}
// @ts-ignore: decorator
@inline
export function round(a: V): V {
  return nearest<f32>(a);
}
// @ts-ignore: decorator
@inline
export function less(a: V, b: V): V {
  return <f32>i32(a < b);
}
// @ts-ignore: decorator
@inline
export function same(a: V, b: V): V {
  return <f32>i32(a == b);
}
// @ts-ignore: decorator
@inline
export function choose(a: V, b: V, c: V): V {
  return c == 0 ? a : b;
}
// @ts-ignore: decorator
@inline
export function power(n: V): V {
  // What is not a number stays one by the factor beside this.
  return reinterpret<f32>((<i32>(n == n ? n : <f32>0) + 127) << 23);
}
// @ts-ignore: decorator
@inline
export function exponent(a: V): V {
  return <f32>(<i32>(reinterpret<u32>(a) >> 23) - 127);
}
// @ts-ignore: decorator
@inline
export function fraction(a: V): V {
  return reinterpret<f32>((reinterpret<u32>(a) & 0x7fffff) | 0x3f800000);
}

// Four f32 at a time. `lane.ts` says the same for one, on engines without SIMD: `real.ts` is written once for both.

export type V = v128;
/** Bytes that one `V` holds. */
export const STEP: usize = 16;

// @ts-ignore: decorator
@inline
export function fetch(at: usize): V {
  return v128.load(at);
}
// @ts-ignore: decorator
@inline
export function put(at: usize, x: V): void {
  v128.store(at, x);
}
// @ts-ignore: decorator
@inline
export function all(x: f32): V {
  return f32x4.splat(x);
}
// @ts-ignore: decorator
@inline
export function plus(a: V, b: V): V {
  return f32x4.add(a, b);
}
// @ts-ignore: decorator
@inline
export function minus(a: V, b: V): V {
  return f32x4.sub(a, b);
}
// @ts-ignore: decorator
@inline
export function times(a: V, b: V): V {
  return f32x4.mul(a, b);
}
// @ts-ignore: decorator
@inline
export function over(a: V, b: V): V {
  return f32x4.div(a, b);
}
// @ts-ignore: decorator
@inline
export function least(a: V, b: V): V {
  return f32x4.min(a, b);
}
// @ts-ignore: decorator
@inline
export function most(a: V, b: V): V {
  return f32x4.max(a, b);
}
// @ts-ignore: decorator
@inline
export function root(a: V): V {
  return f32x4.sqrt(a);
}
// @ts-ignore: decorator
@inline
export function size(a: V): V {
  return f32x4.abs(a);
}
// @ts-ignore: decorator
@inline
export function down(a: V): V {
  return f32x4.floor(a);
}
// @ts-ignore: decorator
@inline
export function round(a: V): V {
  return f32x4.nearest(a);
}
/** 1 where a < b, else 0. */
// @ts-ignore: decorator
@inline
export function less(a: V, b: V): V {
  return v128.and(f32x4.lt(a, b), f32x4.splat(1));
}
/** 1 where a = b, else 0. */
// @ts-ignore: decorator
@inline
export function same(a: V, b: V): V {
  return v128.and(f32x4.eq(a, b), f32x4.splat(1));
}
/** a where c is 0, else b. */
// @ts-ignore: decorator
@inline
export function choose(a: V, b: V, c: V): V {
  return v128.bitselect(a, b, f32x4.eq(c, f32x4.splat(0)));
}
/** 2 to the power of n, a whole number. */
// @ts-ignore: decorator
@inline
export function power(n: V): V {
  return i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
}
/** The exponent of a positive number, and what is left of it without: 1 to 2. */
// @ts-ignore: decorator
@inline
export function exponent(a: V): V {
  return f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(a, 23), i32x4.splat(127)));
}
// @ts-ignore: decorator
@inline
export function fraction(a: V): V {
  return v128.or(v128.and(a, i32x4.splat(0x7fffff)), f32x4.splat(1));
}

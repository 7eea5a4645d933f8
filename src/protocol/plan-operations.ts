/**
 * What a plan can ask of the nano kernels: for each operation its arguments, in the order in which its kernel takes
 * them, and the rules that keep it inside its memory. Addresses and sizes are bytes; `src`, `dst` and the like are
 * addresses in the arena, `weights` and `table` in the weights. Int8 images are NHWC, channels padded to multiples of 8.
 */

/** Told what an operation touches and wants to be true; throws when that is not so. */
export interface Claims {
  read(address: number, bytes: number): void
  write(address: number, bytes: number): void
  weights(address: number, bytes: number): void
  scratch(address: number, bytes: number): void
  require(truth: boolean, rule: string): void
}

export interface Operation<A extends string = string> {
  /** What stands in the plan. Never given to another operation. */
  readonly code: number
  readonly args: readonly A[]
  /** Those of `args` that are f32; the others are i32. */
  readonly floats: ReadonlySet<string>
  check(args: Readonly<Record<A, number>>, claims: Claims): void
  /** Steps of its inner loops, about one multiply-add each: what bounds the time. */
  work(args: Readonly<Record<A, number>>): number
}

/** Arguments are a list of words; a word that begins with `~` is an f32. */
function operation<A extends string>(
  code: number,
  words: string,
  _names: readonly A[],
  check: Operation<A>['check'],
  work: Operation<A>['work'],
): Operation {
  const list = words.split(' ')
  return {
    code,
    args: list.map((word) => word.replace('~', '')),
    floats: new Set(list.filter((word) => word.startsWith('~')).map((word) => word.slice(1))),
    check: check as Operation['check'],
    work: work as Operation['work'],
  }
}

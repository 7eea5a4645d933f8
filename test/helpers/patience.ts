/** Milliseconds that a browser test waits for whatever comes next: for a machine that is ten times slower than ours. */
export const PATIENCE = 90_000

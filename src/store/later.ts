/** What of the store nobody waits for at the start of a page: one file, fetched when the first of it is wanted. */
export { erase, replace } from './erase.ts'
export { moveFork } from './fork.ts'
export { known, learn } from './learn.ts'
export { prune } from './prune.ts'
export { createUploads } from './uploads.ts'

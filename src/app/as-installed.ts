/** What a phone does for an installed app, and nobody waits for. */
export { badgeUnsent } from './badge.ts'
export { takeFiles } from './handed-files.ts'
export { createTake } from './state/handed.ts'

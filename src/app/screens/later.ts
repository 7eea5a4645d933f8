/** The screens off the main road, in a file of their own: precached like the rest, read when one of them is wanted. */
export { AboutScreen } from './about.tsx'
export { HistoryScreen } from './history.tsx'
export { PacksScreen } from './packs.tsx'
export { SettingsScreen } from './settings.tsx'
export { SyncScreen } from './sync.tsx'

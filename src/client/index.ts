export { JikoError } from '../protocol/error.ts'
export type { Answer, Score } from '../protocol/task.ts'
export type {
  DataUse,
  HistoryEntry,
  InstallOperation,
  Kit,
  ListenOptions,
  OpenPack,
  Operation,
  PackOffer,
  SyncStatus,
} from './kit.ts'
export { type KitOptions, openKit } from './open-kit.ts'
export type { Signal } from './signal.ts'

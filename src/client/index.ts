export { type Said, saidOf } from '../protocol/clips.ts'
export { JikoError } from '../protocol/error.ts'
export type { RecordedAnswer } from '../protocol/record.ts'
export type { Answer, Pixels, Score, Sound } from '../protocol/task.ts'
export { similarity } from '../tasks/embedding.ts'
export type {
  Answered,
  BatchResult,
  Budget,
  ClipStock,
  DataUse,
  DeviceReport,
  HistoryEntry,
  InstallOperation,
  Kit,
  ListenOptions,
  Opening,
  OpenPack,
  Operation,
  PackOffer,
  RunInput,
  RunOperation,
  SyncStatus,
} from './kit.ts'
export { type KitOptions, openKit, startKit } from './open-kit.ts'
export type { Signal } from './signal.ts'
export { startWorkerAhead } from './start-worker.ts'

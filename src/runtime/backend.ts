import type { Bytes } from '../lib/bytes.ts'
import type { Program } from '../protocol/manifest.ts'
import type { Tensors } from '../protocol/tensor.ts'

/** Reads a whole file of a pack by its path; every byte has been verified by then. */
export type ReadFile = (path: string) => Promise<Bytes>

/** A loaded model on a backend. `run` calls never overlap: the caller queues them. */
export interface Session {
  /** Where it lives, which other sessions of its backend may share; undefined where nobody can tell. */
  readonly memory?: WebAssembly.Memory | undefined
  /** @throws JikoError `runtime/run-failed`, naming what the engine said. */
  run(inputs: Tensors): Promise<Tensors>
  /** The program's second graph, where it has one; disposed of with the first. */
  readonly reader?: Pick<Session, 'run'>
  dispose(): Promise<void>
}

/** What executes a graph. Tried in the order of a variant's programs; reasons for refusing are kept and shown. */
export interface Backend {
  /** Engine and version, always the same: what verdicts are remembered under, e.g. `ort-wasm 1.30.0`. */
  readonly id: string
  /** As recorded in results: may say more than `id` once a session was created, e.g. `nano 1 (dot)`. */
  readonly name: string
  readonly engine: Program['engine']
  /** Only its own code decides what it answers, no driver: right once on this device is right until the code changes. */
  readonly steady?: boolean
  /** It takes cores that the rest of the phone wants too: a little faster is not fast enough. */
  readonly sharesCores?: boolean
  /** Memory that all its sessions share and that only grows, once there is any. */
  heap?(): WebAssembly.Memory | undefined
  /** Gets its code ready, for a session that is about to be created; why that failed, the session says. */
  prepare?(): void
  /** @throws JikoError `runtime/...` when this device cannot run it. */
  createSession(program: Program, read: ReadFile): Promise<Session>
}

import type { OpenModel } from '../engine.ts'
import type { Graph } from '../graph.ts'
import type { Dims } from '../shape.ts'

export interface PassContext {
  /** Dims of inputs that the model leaves open. */
  readonly dims: Readonly<Record<string, Dims>>
  readonly open: OpenModel
}

/** Rewrites a graph in place and says how many places it changed. It must not change what the graph computes. */
export interface Pass {
  readonly name: string
  run(graph: Graph, context: PassContext): number | Promise<number>
}

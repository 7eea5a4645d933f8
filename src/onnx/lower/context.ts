import type { Constant } from '../constant.ts'
import type { Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import type { Program } from './program.ts'
import type { QuantisedConstant } from './quantisation.ts'
import type { Value } from './value.ts'

/** What the lowering of one node sees. */
export interface Context {
  readonly graph: Graph
  readonly program: Program
  readonly node: NodeProto
  readonly name: string
  /** Dims of a value by inference. */
  dims(name: string): readonly number[]
  /** The value of an input; undefined where it is left out. */
  value(index: number): Value | undefined
  constant(index: number): Constant | undefined
  /** Weights that reach the node through DequantizeLinear. */
  quantisedConstant(index: number): QuantisedConstant | undefined
  set(value: Value, output?: number): void
}

export type Lowering = (context: Context) => void

import { JikoError } from './error.ts'
import type { Golden } from './golden.ts'
import type { Feeding, Program } from './manifest.ts'

/** The second graph of a program as one of its own. */
export function readerOf({ memory: _, reader, ...program }: Program): Program | undefined {
  if (program.engine === 'nano') return reader && 'plan' in reader ? { engine: 'nano', ...reader } : undefined
  return reader && 'model' in reader ? { engine: 'onnx', ...reader } : undefined
}

/** How a graph of a program is fed: the first, or its reader. */
export function feedingOf(feeding: Feeding, graph: Golden['graph']): Feeding {
  if (graph === undefined) return feeding
  if (feeding.output?.kind !== 'page') throw new JikoError('pack/bad-manifest', 'only an output "page" has a reader')
  return { input: feeding.output.line.input }
}

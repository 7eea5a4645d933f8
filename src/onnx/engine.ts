import type { Bytes } from '../lib/bytes.ts'
import type { Tensors } from '../protocol/tensor.ts'

/** A model that is loaded and can be run; `runtime`'s Session is one. */
export interface ModelRunner {
  run(inputs: Tensors): Promise<Tensors>
  dispose(): Promise<void>
}

/** Loads a one-file model. Passed in, since engines belong to `runtime`. */
export type OpenModel = (model: Bytes) => Promise<ModelRunner>

/** Opens, uses, and always closes. */
export async function withModel<T>(
  open: OpenModel,
  model: Bytes,
  use: (runner: ModelRunner) => Promise<T>,
): Promise<T> {
  const runner = await open(model)
  try {
    return await use(runner)
  } finally {
    await runner.dispose()
  }
}

import { JikoError } from '../protocol/error.ts'
import type { RunInput } from '../protocol/worker.ts'
import type { BatchResult, OpenPack } from './kit.ts'

/** Says something of one input only: the next may well be answered. */
const isOfThisOne = (error: unknown): error is JikoError =>
  error instanceof JikoError && /^(input|task)\//.test(error.code)

/** @see OpenPack.runAll */
export async function* runAll(
  answer: (input: RunInput, at: number) => ReturnType<OpenPack['run']>,
  inputs: Iterable<RunInput> | AsyncIterable<RunInput>,
  signal?: AbortSignal,
): AsyncGenerator<BatchResult, void, void> {
  let at = 0
  for await (const input of inputs) {
    signal?.throwIfAborted()
    const result = await answer(input, at).catch((error: unknown) => {
      if (isOfThisOne(error)) return { error }
      throw error
    })
    yield { at, ...result }
    at += 1
  }
}

import { type Bytes, concat, utf8 } from '../lib/bytes.ts'
import {
  arenaAt,
  HEADER,
  PLAN_MAGIC,
  PLAN_TYPES,
  PLAN_VERSION,
  type Plan,
  type PlanHeader,
  TENSOR_WORDS,
} from './plan.ts'
import { OPERATIONS, roundUp } from './plan-operations.ts'

/** Writes a plan; `parsePlan` reads it back. Addresses are as in its memory, so weights and scratch sizes come first. */
export function formatPlan(plan: Plan): Bytes {
  const texts: Bytes[] = []
  let textBytes = 0
  const places = new Map<string, [number, number]>()
  const text = (name: string): [number, number] => {
    const known = places.get(name)
    if (known) return known
    const encoded = utf8(name.slice(0, 250))
    const place: [number, number] = [textBytes, encoded.length]
    texts.push(encoded)
    textBytes += encoded.length
    places.set(name, place)
    return place
  }
  const tensors = [...plan.inputs, ...plan.outputs].flatMap(({ name, type, address, dims }) => {
    const words = [...text(name), PLAN_TYPES.indexOf(type), address, dims.length, ...dims]
    return [...words, ...Array.from({ length: TENSOR_WORDS - words.length }, () => 0)]
  })
  const view = new DataView(new ArrayBuffer(4))
  const bits = (value: number): number => {
    view.setFloat32(0, value)
    return view.getInt32(0)
  }
  const operations = plan.steps.flatMap(({ kind, name, args }) => {
    const { code, count, floats } = OPERATIONS[kind]
    return [code, ...text(name), ...args.map((value, i) => (i < count - floats ? value : bits(value)))]
  })
  const wordBytes = 4 * (HEADER.length + tensors.length + operations.length)
  const weightsStart = roundUp(wordBytes + textBytes, 16)
  const header: PlanHeader = {
    magic: PLAN_MAGIC,
    version: PLAN_VERSION,
    fileBytes: weightsStart + plan.weights.length,
    memoryBytes: Math.max(plan.memoryBytes, arenaAt(plan.weights.length, plan.scratchBytes)),
    weightsBytes: plan.weights.length,
    scratchBytes: plan.scratchBytes,
    weightLimit: plan.weightLimit,
    inputs: plan.inputs.length,
    outputs: plan.outputs.length,
    operations: plan.steps.length,
    once: plan.once,
    operationWords: operations.length,
    textBytes,
  }
  const words = new DataView(new ArrayBuffer(wordBytes))
  for (const [i, value] of [...HEADER.map((name) => header[name]), ...tensors, ...operations].entries())
    words.setInt32(4 * i, value, true)
  const padding = new Uint8Array(weightsStart - wordBytes - textBytes)
  return concat(new Uint8Array(words.buffer), ...texts, padding, plan.weights)
}

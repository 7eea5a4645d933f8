import type { Bytes } from '../lib/bytes.ts'
import { JikoError } from './error.ts'
import { type Claims, OPERATIONS, type Operation, type OperationKind, roundUp } from './plan-operations.ts'
import { PLAN_VERSION } from './plan-version.ts'
import type { TensorType } from './tensor.ts'

export { PLAN_VERSION }

/**
 * A plan is a model compiled ahead for the nano engine: a list of kernel calls over one static memory. All words are
 * 32 bits, little-endian:
 *
 * | words | what |
 * |---|---|
 * | 13 | header, see `HEADER` |
 * | 12 each | inputs, then outputs: name at, name length, type (see `PLAN_TYPES`), address, rank, dims (6), 0 |
 * | n | operations, one after the other: code, name at, name length, then the arguments of its kind |
 * | text | names as UTF-8, padded to 16 bytes |
 * | weights | as the kernels read them |
 *
 * Its memory: `[weights][scratch][arena]`, each part beginning at a multiple of 16. Operations read weights, use the
 * scratch while they run, and leave their results in the arena; behind that a session may add room of its own. The first `once`
 * of them run when a session begins, all others for each inference. Inside, every input and output is f32, which holds integers up to 2^24 exactly.
 */
export const PLAN_MAGIC = 0x6f6e616e
export const HEADER = [
  'magic',
  'version',
  'fileBytes',
  'memoryBytes',
  'weightsBytes',
  'scratchBytes',
  'weightLimit',
  'inputs',
  'outputs',
  'operations',
  'once',
  'operationWords',
  'textBytes',
] as const
export type PlanHeader = Record<(typeof HEADER)[number], number>
/** Read by position: the names stay off the wire. */
type NumbersFor<Names extends readonly unknown[]> = { readonly [K in keyof Names]: number }
type HeaderWords = NumbersFor<typeof HEADER>
const HEADER_WORDS: (typeof HEADER)['length'] = 13
export const TENSOR_WORDS = 12
export const MAX_RANK = 6
/** What a tensor's type word means: what the session's caller gives or gets. */
export const PLAN_TYPES: readonly (TensorType | undefined)[] = [
  undefined,
  'float32',
  'int32',
  'int64',
  'uint8',
  'bool',
  'int8',
]

const MAX_MEMORY = 2 ** 30
const MAX_OPERATIONS = 65_536
const MAX_NAME = 1024
/** Multiply-adds of one inference beyond which no phone would come to an end. */
const MAX_WORK = 2 ** 34

export interface PlanTensor {
  readonly name: string
  readonly type: TensorType
  readonly dims: readonly number[]
  readonly address: number
}

export interface PlanStep {
  readonly kind: OperationKind
  /** The node of the model that it came from. */
  readonly name: string
  /** In the order of `ARGUMENTS[kind]`, see `plan-arguments.ts`. */
  readonly args: readonly number[]
}

export interface Plan {
  readonly memoryBytes: number
  readonly scratchBytes: number
  /** Largest magnitude among the products' weights: 63 fits 7 bits, 127 leaves out -128, 128 is all of int8. */
  readonly weightLimit: number
  readonly inputs: readonly PlanTensor[]
  readonly outputs: readonly PlanTensor[]
  readonly steps: readonly PlanStep[]
  /** How many of `steps` run only when a session begins. */
  readonly once: number
  readonly weights: Bytes
}

const bad = (why: string): JikoError =>
  new JikoError(
    'runtime/bad-plan',
    `The plan ${why}; it is damaged or was made by another version: build the pack again.`,
  )

const KINDS = new Map<number, readonly [OperationKind, Operation]>(
  Object.entries(OPERATIONS).map(([kind, operation]) => [operation.code, [kind as OperationKind, operation]]),
)

export const scratchAt = (weightsBytes: number): number => roundUp(weightsBytes, 16)
export const arenaAt = (weightsBytes: number, scratchBytes: number): number =>
  roundUp(scratchAt(weightsBytes) + scratchBytes, 16)

/**
 * Reads a plan and checks all of it before anything runs: no operation reads or writes outside the part of its memory
 * that it may, and all of them together end. `weights` is a view of `bytes`.
 * @throws JikoError `runtime/bad-plan` naming the operation.
 */
export function parsePlan(bytes: Bytes): Plan {
  if (bytes.length < 4 * HEADER_WORDS) throw bad(`has ${bytes.length} bytes, less than its header`)
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const int = (word: number): number => words.getInt32(4 * word, true)
  const header = Array.from({ length: HEADER_WORDS }, (_, i) => words.getUint32(4 * i, true))
  const [magic, version, fileBytes, memoryBytes, weightsBytes, scratchBytes, weightLimit, ...rest] =
    header as unknown as HeaderWords
  const [inputs, outputs, operations, once, operationWords, textBytes] = rest
  if (magic !== PLAN_MAGIC) throw bad('does not begin like one')
  if (version !== PLAN_VERSION) throw bad(`has version ${version}, this engine reads ${PLAN_VERSION}`)

  const operationsAt = HEADER_WORDS + TENSOR_WORDS * (inputs + outputs)
  const operationsEnd = operationsAt + operationWords
  const textAt = 4 * operationsEnd
  const weightsStart = roundUp(textAt + textBytes, 16)
  if (fileBytes !== bytes.length || weightsStart + weightsBytes !== bytes.length)
    throw bad(`has ${bytes.length} bytes where its header needs ${weightsStart + weightsBytes}`)
  const arena = arenaAt(weightsBytes, scratchBytes)
  if (memoryBytes > MAX_MEMORY || arena > memoryBytes)
    throw bad(`wants ${memoryBytes} bytes of memory, of which ${arena} are weights and scratch`)
  if (Math.max(operations, inputs + outputs) > MAX_OPERATIONS || once > operations)
    throw bad(`has ${operations} operations, ${once} of them once`)

  const decoder = new TextDecoder()
  function text(at: number, length: number): string {
    if (at < 0 || length < 0 || length > MAX_NAME || at + length > textBytes)
      throw bad(`has a name at ${at} of ${length} bytes, outside its text`)
    return decoder.decode(bytes.subarray(textAt + at, textAt + at + length))
  }

  function tensor(index: number): PlanTensor {
    const at = HEADER_WORDS + TENSOR_WORDS * index
    const name = text(int(at), int(at + 1))
    const rank = int(at + 4)
    const type = PLAN_TYPES[int(at + 2)]
    if (!type || rank < 0 || rank > MAX_RANK) throw bad(`has a tensor "${name}" of unknown type or rank`)
    const dims = Array.from({ length: rank }, (_, i) => int(at + 5 + i))
    const address = int(at + 3)
    const size = dims.reduce((product, dim) => (dim >= 1 ? product * dim : Number.NaN), 4)
    if (!(address >= arena && address % 4 === 0 && address + size <= memoryBytes))
      throw bad(`puts its tensor "${name}" [${dims.join(', ')}] at ${address}, outside its arena`)
    return { name, type, dims, address }
  }

  function claims(which: string): Claims {
    const within =
      (what: string, from: number, to: number) =>
      (address: number, length: number): void => {
        if (!(address >= from && length >= 0 && address + length <= to))
          throw bad(`lets operation ${which} touch ${length} bytes at ${address}, outside its ${what} [${from}, ${to})`)
      }
    const scratch = scratchAt(weightsBytes)
    const inArena = within('arena', arena, memoryBytes)
    const weights = within('weights', 0, weightsBytes)
    return {
      read: inArena,
      write: inArena,
      weights,
      readAny: (address, length) => (address < arena ? weights : inArena)(address, length),
      scratch: within('scratch', scratch, scratch + scratchBytes),
      require(truth, rule) {
        if (!truth) throw bad(`breaks a rule of operation ${which}: ${rule}`)
      },
    }
  }

  let work = 0
  let at = operationsAt
  function step(index: number): PlanStep {
    const known = at + 3 <= operationsEnd ? KINDS.get(int(at)) : undefined
    if (!known || at + 3 + known[1].count > operationsEnd) throw bad(`has no known operation at number ${index}`)
    const [kind, { count, floats, check }] = known
    const name = text(int(at + 1), int(at + 2))
    at += 3
    const args = Array.from({ length: count }, (_, i) =>
      i < count - floats ? int(at + i) : words.getFloat32(4 * (at + i), true),
    )
    at += count
    work += check(claims(`${index}, ${kind} "${name}"`), ...args)
    if (!(work <= MAX_WORK)) throw bad(`would not come to an end: operation ${index}, ${kind} "${name}"`)
    return { kind, name, args }
  }

  const planSteps = Array.from({ length: operations }, (_, i) => step(i))
  if (at !== operationsEnd) throw bad('has words after its last operation')
  return {
    memoryBytes,
    scratchBytes,
    weightLimit,
    inputs: Array.from({ length: inputs }, (_, i) => tensor(i)),
    outputs: Array.from({ length: outputs }, (_, i) => tensor(inputs + i)),
    steps: planSteps,
    once,
    weights: bytes.subarray(weightsStart),
  }
}

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
 * scratch while they run, and leave their results in the arena. The first `once` of them run when a session begins, all
 * others for each inference. Inside, every input and output is f32, which holds integers up to 2^24 exactly.
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
  if (bytes.length < 4 * HEADER.length) throw bad(`has ${bytes.length} bytes, less than its header`)
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const int = (word: number): number => words.getInt32(4 * word, true)
  const header = Object.fromEntries(HEADER.map((name, i) => [name, words.getUint32(4 * i, true)])) as PlanHeader
  if (header.magic !== PLAN_MAGIC) throw bad('does not begin like one')
  if (header.version !== PLAN_VERSION) throw bad(`has version ${header.version}, this engine reads ${PLAN_VERSION}`)

  const tensorsAt = HEADER.length
  const operationsAt = tensorsAt + TENSOR_WORDS * (header.inputs + header.outputs)
  const textAt = 4 * (operationsAt + header.operationWords)
  const weightsStart = roundUp(textAt + header.textBytes, 16)
  if (header.fileBytes !== bytes.length || weightsStart + header.weightsBytes !== bytes.length)
    throw bad(`has ${bytes.length} bytes where its header needs ${weightsStart + header.weightsBytes}`)
  const arena = arenaAt(header.weightsBytes, header.scratchBytes)
  if (header.memoryBytes > MAX_MEMORY || arena > header.memoryBytes)
    throw bad(`wants ${header.memoryBytes} bytes of memory, of which ${arena} are weights and scratch`)
  if (Math.max(header.operations, header.inputs + header.outputs) > MAX_OPERATIONS || header.once > header.operations)
    throw bad(`has ${header.operations} operations, ${header.once} of them once`)

  const decoder = new TextDecoder()
  function text(at: number, length: number): string {
    if (at < 0 || length < 0 || length > MAX_NAME || at + length > header.textBytes)
      throw bad(`has a name at ${at} of ${length} bytes, outside its text`)
    return decoder.decode(bytes.subarray(textAt + at, textAt + at + length))
  }

  function tensor(index: number): PlanTensor {
    const at = tensorsAt + TENSOR_WORDS * index
    const name = text(int(at), int(at + 1))
    const rank = int(at + 4)
    const type = PLAN_TYPES[int(at + 2)]
    if (!type || rank < 0 || rank > MAX_RANK) throw bad(`has a tensor "${name}" of unknown type or rank`)
    const dims = Array.from({ length: rank }, (_, i) => int(at + 5 + i))
    const address = int(at + 3)
    const size = dims.reduce((product, dim) => (dim >= 1 ? product * dim : Number.NaN), 4)
    if (!(address >= arena && address % 4 === 0 && address + size <= header.memoryBytes))
      throw bad(`puts its tensor "${name}" [${dims.join(', ')}] at ${address}, outside its arena`)
    return { name, type, dims, address }
  }

  let work = 0
  let at = operationsAt
  function step(index: number): PlanStep {
    const end = operationsAt + header.operationWords
    const known = at + 3 <= end ? KINDS.get(int(at)) : undefined
    if (!known || at + 3 + known[1].count > end) throw bad(`has no known operation at number ${index}`)
    const [kind, { count, floats, check }] = known
    const name = text(int(at + 1), int(at + 2))
    at += 3
    const args = Array.from({ length: count }, (_, i) =>
      i < count - floats ? int(at + i) : words.getFloat32(4 * (at + i), true),
    )
    at += count
    work += check(claims(header, `${index}, ${kind} "${name}"`), ...args)
    if (!(work <= MAX_WORK)) throw bad(`would not come to an end: operation ${index}, ${kind} "${name}"`)
    return { kind, name, args }
  }

  const inputs = Array.from({ length: header.inputs }, (_, i) => tensor(i))
  const outputs = Array.from({ length: header.outputs }, (_, i) => tensor(header.inputs + i))
  const steps = Array.from({ length: header.operations }, (_, i) => step(i))
  if (at !== operationsAt + header.operationWords) throw bad('has words after its last operation')
  const { memoryBytes, scratchBytes, weightLimit, once } = header
  return { memoryBytes, scratchBytes, weightLimit, inputs, outputs, steps, once, weights: bytes.subarray(weightsStart) }
}

function claims({ memoryBytes, weightsBytes, scratchBytes }: PlanHeader, which: string): Claims {
  const within =
    (what: string, from: number, to: number) =>
    (address: number, bytes: number): void => {
      if (!(address >= from && bytes >= 0 && address + bytes <= to))
        throw bad(`lets operation ${which} touch ${bytes} bytes at ${address}, outside its ${what} [${from}, ${to})`)
    }
  const scratch = scratchAt(weightsBytes)
  const arenaStart = arenaAt(weightsBytes, scratchBytes)
  const arena = within('arena', arenaStart, memoryBytes)
  const weights = within('weights', 0, weightsBytes)
  return {
    read: arena,
    write: arena,
    weights,
    readAny: (address, bytes) => (address < arenaStart ? weights : arena)(address, bytes),
    scratch: within('scratch', scratch, scratch + scratchBytes),
    require(truth, rule) {
      if (!truth) throw bad(`breaks a rule of operation ${which}: ${rule}`)
    },
  }
}

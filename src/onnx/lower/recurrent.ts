import { MAPS, PAIRS } from '../../protocol/plan-arguments.ts'
import { hasAttribute, intAttribute, stringAttribute } from '../attribute.ts'
import type { Context, Lowering } from './context.ts'
import type { Argument, Buffer } from './program.ts'
import { unsupported } from './quantisation.ts'
import { realMatrix } from './real-weights.ts'
import { createReals, fixed, type MapName, type Operand, type PairName, type Reals, realOperand } from './reals.ts'

/** One direction of a recurrent layer; every step of time is steps of the plan. */
interface Cell {
  readonly hidden: number
  /** What the inputs of all steps come to: [length, gates x hidden], biases included. */
  readonly inputs: Buffer
  /** By [hidden, gates x hidden]. */
  readonly recurrent: Operand
  /** Biases of the recurrent side, where they must stay apart. */
  readonly bias: Operand
}

interface State {
  hidden: Buffer
  /** Of an LSTM. */
  cell: Buffer
}

/** Steps on pieces of buffers, `count` values each. */
function createPieces(context: Context, count: number) {
  const { program, name } = context
  const make = (): Buffer => program.buffer(4 * count)
  return {
    make,
    map(fn: MapName, src: Argument, values = count): Buffer {
      const dst = program.buffer(4 * values)
      program.emit('mapReal', name, { src, dst, count: values, function: MAPS.indexOf(fn) })
      return dst
    },
    combine(pair: PairName, a: Argument, b: Argument, values = count): Buffer {
      const dst = program.buffer(4 * values)
      program.emit('combineReal', name, { a, b, dst, count: values, period: values, function: PAIRS.indexOf(pair) })
      return dst
    },
    at: (buffer: Buffer, piece: number): Argument => ({ buffer, offset: 4 * count * piece }),
  }
}

/** A row by a matrix, begun at a row of biases. */
function emitProduct(context: Context, reals: Reals, row: Buffer, matrix: Operand, bias: Argument): Buffer {
  const [depth = 1, columns = 1] = matrix.dims
  const dst = context.program.buffer(4 * columns)
  context.program.emit('product', context.name, {
    src: row,
    weights: reals.place(matrix),
    bias,
    dst,
    batch: 1,
    rows: 1,
    depth,
    columns,
    srcBatch: 0,
    weightsBatch: 0,
    biasRow: 0,
    biasColumn: 1,
  })
  return dst
}

/** Gates in the order input, output, forget, cell. */
function stepLstm(context: Context, reals: Reals, cell: Cell, t: number, state: State): State {
  const p = createPieces(context, cell.hidden)
  const gates = emitProduct(context, reals, state.hidden, cell.recurrent, p.at(cell.inputs, 4 * t))
  const open = p.map('Sigmoid', gates, 3 * cell.hidden)
  const fresh = p.combine('Mul', p.map('Tanh', p.at(gates, 3)), open)
  const next = p.combine('Add', p.combine('Mul', state.cell, p.at(open, 2)), fresh)
  return { cell: next, hidden: p.combine('Mul', p.map('Tanh', next), p.at(open, 1)) }
}

/** Gates in the order update, reset, hidden; the reset comes after the recurrent product. */
function stepGru(context: Context, reals: Reals, cell: Cell, t: number, state: State): State {
  const p = createPieces(context, cell.hidden)
  const past = emitProduct(context, reals, state.hidden, cell.recurrent, reals.place(cell.bias))
  const open = p.map('Sigmoid', p.combine('Add', p.at(cell.inputs, 3 * t), past, 2 * cell.hidden), 2 * cell.hidden)
  const reset = p.combine('Mul', p.at(open, 1), p.at(past, 2))
  const fresh = p.map('Tanh', p.combine('Add', p.at(cell.inputs, 3 * t + 2), reset))
  const kept = p.combine('Mul', p.combine('Sub', state.hidden, fresh), open)
  return { cell: state.cell, hidden: p.combine('Add', fresh, kept) }
}

function checkKind(context: Context, lstm: boolean): void {
  const { node } = context
  const odd = ['activations', 'activation_alpha', 'clip', 'input_forget'].filter((name) => hasAttribute(node, name))
  const usual = odd.every((name) => name === 'activations') // exporters write the default ones
  if (!usual || intAttribute(node, 'layout', 0) !== 0) throw unsupported(`has ${odd.join(', ') || 'another layout'}`)
  if (node.input[4] && !context.constant(4)) throw unsupported('its sequences have lengths of their own')
  if (lstm && node.input[7]) throw unsupported('has peepholes')
  if (!lstm && intAttribute(node, 'linear_before_reset', 0) === 0)
    throw unsupported('resets before its product; export it with linear_before_reset')
}

const lowerRecurrent =
  (gates: 3 | 4, step: typeof stepLstm): Lowering =>
  (context) => {
    const { node, program, name } = context
    checkKind(context, gates === 4)
    const reals = createReals(context)
    const x = realOperand(context, 0)
    const [length = 1, batch = 1, wide = 1] = x.dims
    if (batch !== 1) throw unsupported(`has a batch of ${batch}`)
    const dims = context.dims(node.output[0] || (node.output[1] ?? ''))
    const hidden = dims.at(-1) ?? 1
    const direction = stringAttribute(node, 'direction', 'forward')
    const directions = direction === 'bidirectional' ? 2 : 1
    const biases = node.input[3] ? realOperand(context, 3) : fixed(new Float32Array(2 * gates * hidden * directions))
    if (biases.kind !== 'fixed') throw unsupported('its biases are not constant')
    const size = 4 * hidden
    const all = reals.make([length, directions, 1, hidden])
    const last = [0, 1].map(() => reals.make([directions, 1, hidden]))
    const copy = (src: Argument, dst: Argument): void =>
      program.emit('copy', name, {
        src,
        dst,
        outer: 1,
        inner: 1,
        bytes: size,
        srcOuter: 0,
        srcInner: 0,
        dstOuter: 0,
        dstInner: 0,
      })
    const initial = (index: number, d: number): Buffer => {
      const given = node.input[index]
        ? realOperand(context, index)
        : fixed(new Float32Array(directions * hidden), [directions, 1, hidden])
      const buffer = program.buffer(size)
      const from = reals.place(given)
      copy(typeof from === 'number' ? from + d * size : { buffer: from, offset: d * size }, buffer)
      return buffer
    }

    for (let d = 0; d < directions; d++) {
      const width = gates * hidden
      const own = biases.data.subarray(2 * width * d, 2 * width * (d + 1))
      // The GRU's hidden gate adds the recurrent bias before it resets; all others are one with the input's.
      const apart = (i: number): boolean => gates === 3 && i >= 2 * hidden
      const input = Array.from({ length: width }, (_, i) => (own[i] ?? 0) + (apart(i) ? 0 : (own[width + i] ?? 0)))
      const past = Array.from({ length: width }, (_, i) => (apart(i) ? (own[width + i] ?? 0) : 0))
      const rows = reals.reshape(x, [length, wide])
      const cell: Cell = {
        hidden,
        inputs: reals.product(rows, realMatrix(context, 1, true, d), fixed(input, [width]), 'column').buffer,
        recurrent: realMatrix(context, 2, true, d),
        bias: fixed(past, [width]),
      }
      const backwards = direction === 'reverse' || d === 1
      let state: State = { hidden: initial(5, d), cell: gates === 4 ? initial(6, d) : all.buffer }
      for (let i = 0; i < length; i++) {
        const t = backwards ? length - 1 - i : i
        state = step(context, reals, cell, t, state)
        if (node.output[0]) copy(state.hidden, { buffer: all.buffer, offset: size * (t * directions + d) })
      }
      const ends = [state.hidden, state.cell]
      last.forEach(({ buffer }, i) => {
        if (node.output[i + 1]) copy(ends[i] ?? state.hidden, { buffer, offset: size * d })
      })
    }
    context.set(all)
    last.forEach((value, i) => {
      if (node.output[i + 1]) context.set(value, i + 1)
    })
  }

export const lowerLstm: Lowering = lowerRecurrent(4, stepLstm)
export const lowerGru: Lowering = lowerRecurrent(3, stepGru)

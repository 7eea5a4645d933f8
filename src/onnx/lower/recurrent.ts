import { MAPS, PAIRS } from '../../protocol/plan-arguments.ts'
import { hasAttribute, intAttribute, stringAttribute } from '../attribute.ts'
import type { Context, Lowering } from './context.ts'
import type { Argument, Buffer } from './program.ts'
import { unsupported } from './quantisation.ts'
import { realMatrix } from './real-weights.ts'
import { createReals, fixed, type MapName, type Operand, type PairName, type Reals, realOperand } from './reals.ts'
import { placeAt } from './view.ts'

/** One direction of a recurrent layer; every step of time is steps of the plan. */
interface Cell {
  readonly hidden: number
  /** What the inputs of all steps come to: [length, gates x hidden], biases included. */
  readonly inputs: Buffer
  /** By [hidden, gates x hidden]; or one for each gate. */
  readonly recurrent: readonly Operand[]
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
function emitProduct(context: Context, reals: Reals, row: Buffer, matrix: Operand | undefined, bias: Argument): Buffer {
  if (!matrix) throw unsupported('lacks a matrix')
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
  const gates = emitProduct(context, reals, state.hidden, cell.recurrent[0], p.at(cell.inputs, 4 * t))
  const open = p.map('Sigmoid', gates, 3 * cell.hidden)
  const fresh = p.combine('Mul', p.map('Tanh', p.at(gates, 3)), open)
  const next = p.combine('Add', p.combine('Mul', state.cell, p.at(open, 2)), fresh)
  return { cell: next, hidden: p.combine('Mul', p.map('Tanh', next), p.at(open, 1)) }
}

/** Gates in the order update, reset, hidden; the reset comes after the recurrent product. */
function stepGru(context: Context, reals: Reals, cell: Cell, t: number, state: State): State {
  const p = createPieces(context, cell.hidden)
  const past = emitProduct(context, reals, state.hidden, cell.recurrent[0], reals.place(cell.bias))
  const open = p.map('Sigmoid', p.combine('Add', p.at(cell.inputs, 3 * t), past, 2 * cell.hidden), 2 * cell.hidden)
  const reset = p.combine('Mul', p.at(open, 1), p.at(past, 2))
  const fresh = p.map('Tanh', p.combine('Add', p.at(cell.inputs, 3 * t + 2), reset))
  const kept = p.combine('Mul', p.combine('Sub', state.hidden, fresh), open)
  return { cell: state.cell, hidden: p.combine('Add', fresh, kept) }
}

/** The same where the reset comes before the product: then each gate is one of its own. */
function stepGruEarly(context: Context, reals: Reals, cell: Cell, t: number, state: State): State {
  const p = createPieces(context, cell.hidden)
  const gate = (i: number, row: Buffer): Buffer =>
    emitProduct(context, reals, row, cell.recurrent[i], p.at(cell.inputs, 3 * t + i))
  const update = p.map('Sigmoid', gate(0, state.hidden))
  const reset = p.map('Sigmoid', gate(1, state.hidden))
  const fresh = p.map('Tanh', gate(2, p.combine('Mul', reset, state.hidden)))
  const kept = p.combine('Mul', p.combine('Sub', state.hidden, fresh), update)
  return { cell: state.cell, hidden: p.combine('Add', fresh, kept) }
}

function checkKind(context: Context, lstm: boolean): void {
  const { node } = context
  const odd = ['activations', 'activation_alpha', 'clip', 'input_forget'].filter((name) => hasAttribute(node, name))
  const usual = odd.every((name) => name === 'activations') // exporters write the default ones
  if (!usual || intAttribute(node, 'layout', 0) !== 0) throw unsupported(`has ${odd.join(', ') || 'another layout'}`)
  const known = [1, 2].every((index) => context.constant(index) ?? context.quantisedConstant(index))
  if (!known) throw unsupported('its weights are not constant')
  if (node.input[4] && !context.constant(4)) throw unsupported('its sequences have lengths of their own')
  if (lstm && node.input[7]) throw unsupported('has peepholes')
}

/** Biases of a direction: those that can be are one with the input's; the others stay apart. */
function biasesOf(own: Float32Array, width: number, isApart: (i: number) => boolean): [Float32Array, Float32Array] {
  const [input, past] = [own.slice(0, width), own.slice(width)]
  for (let i = 0; i < width; i++) {
    if (isApart(i)) continue
    input[i] = (input[i] ?? 0) + (past[i] ?? 0)
    past[i] = 0
  }
  return [input, past]
}

function lowerRecurrent(context: Context, gates: 3 | 4): void {
  const { node, program, name } = context
  const lstm = gates === 4
  checkKind(context, lstm)
  const early = !lstm && intAttribute(node, 'linear_before_reset', 0) === 0
  const step = lstm ? stepLstm : early ? stepGruEarly : stepGru
  const reals = createReals(context)
  const x = realOperand(context, 0)
  const [length = 1, batch = 1, wide = 1] = x.dims
  const hidden = context.dims(node.output[0] || (node.output[1] ?? '')).at(-1) ?? 1
  const [size, width] = [4 * hidden, gates * hidden]
  const direction = stringAttribute(node, 'direction', 'forward')
  const directions = direction === 'bidirectional' ? 2 : 1
  const biases = node.input[3] ? realOperand(context, 3) : fixed(new Float32Array(2 * width * directions))
  if (biases.kind !== 'fixed') throw unsupported('its biases are not constant')
  const all = reals.make([length, directions, batch, hidden])
  const last = [0, 1].map(() => reals.make([directions, batch, hidden]))
  const once = { outer: 1, inner: 1, bytes: size, srcOuter: 0, srcInner: 0, dstOuter: 0, dstInner: 0 }
  const copy = (src: Argument, dst: Argument): void => program.emit('copy', name, { src, dst, ...once })
  const initial = (index: number, which: number): Buffer => {
    const nothing = fixed(new Float32Array(directions * batch * hidden))
    const given = reals.place(node.input[index] ? realOperand(context, index) : nothing)
    const buffer = program.buffer(size)
    copy(placeAt({ buffer: given, offset: which * size }, 0), buffer)
    return buffer
  }

  for (let d = 0; d < directions; d++) {
    const own = biases.data.subarray(2 * width * d, 2 * width * (d + 1))
    // A late reset comes after the recurrent bias of its gate.
    const [input, past] = biasesOf(own, width, (i) => !lstm && !early && i >= 2 * hidden)
    const rows = reals.reshape(x, [length * batch, wide])
    const parts = early ? [0, 1, 2].map((gate) => 3 * d + gate) : [d]
    const cell: Cell = {
      hidden,
      inputs: reals.product(rows, realMatrix(context, 1, true, d), fixed(input, [width]), 'column').buffer,
      recurrent: parts.map((part) => realMatrix(context, 2, true, part, early ? hidden : width)),
      bias: fixed(past, [width]),
    }
    const backwards = direction === 'reverse' || d === 1
    for (let b = 0; b < batch; b++) {
      const which = d * batch + b
      let state: State = { hidden: initial(5, which), cell: lstm ? initial(6, which) : all.buffer }
      for (let i = 0; i < length; i++) {
        const t = backwards ? length - 1 - i : i
        state = step(context, reals, cell, t * batch + b, state)
        if (node.output[0]) copy(state.hidden, { buffer: all.buffer, offset: size * (t * directions * batch + which) })
      }
      const ends = [state.hidden, state.cell]
      for (const [i, { buffer }] of last.entries())
        if (node.output[i + 1]) copy(ends[i] ?? state.hidden, { buffer, offset: size * which })
    }
  }
  if (node.output[0]) context.set(all)
  for (const [i, value] of last.entries()) if (node.output[i + 1]) context.set(value, i + 1)
}

export const lowerLstm: Lowering = (context) => lowerRecurrent(context, 4)
export const lowerGru: Lowering = (context) => lowerRecurrent(context, 3)

import { type Context, image, type Lowering, pending } from './context.ts'
import { realZero } from './pool.ts'
import { unsupported } from './quantisation.ts'
import type { Quantised } from './value.ts'
import { settle } from './view.ts'

/** Operands in the order in which the kernel takes them: the second one may be a single pixel for all. */
function operands(context: Context): { a: Quantised; b: Quantised; swapped: boolean } {
  const a = image(context, 0)
  const b = settle(context, image(context, 1), a.order === 'pixels' ? 'pixels' : 'planes')
  if (a.channels !== b.channels) throw unsupported('its inputs have different channels')
  const single = (value: Quantised): boolean => value.height * value.width === 1
  if (a.height === b.height && a.width === b.width) return { a, b, swapped: false }
  if (single(b)) return { a, b, swapped: false }
  if (single(a)) return { a: b, b: a, swapped: true }
  throw unsupported('its inputs have different sizes')
}

const lowerPair =
  (kind: 'add' | 'scale', sign: 1 | -1): Lowering =>
  (context) => {
    const { a, b, swapped } = operands(context)
    const dims = context.dims(context.node.output[0] ?? '')
    const signOf = (first: boolean): number => (sign === -1 && first === swapped ? -1 : 1)
    context.set(
      pending(context, dims, (target) => {
        const y: Quantised = { ...a, ...newLike(context, a), dims, quantisation: target.quantisation }
        // There is no quantised subtraction to agree with: that one rounds first and adds the zero point then.
        const place = sign === 1 ? realZero(target.quantisation) : { zero: 0, offset: -target.quantisation.zero }
        context.program.emit(kind, context.name, {
          a: a.buffer,
          b: b.buffer,
          dst: y.buffer,
          count: a.height * a.width * a.pixelBytes,
          period: b.height * b.width * b.pixelBytes,
          scaleA: signOf(true) * a.quantisation.scale,
          zeroA: a.quantisation.zero,
          scaleB: signOf(false) * b.quantisation.scale,
          zeroB: b.quantisation.zero,
          scale: target.quantisation.scale,
          ...place,
          low: target.low,
          high: target.high,
        })
        return y
      }),
    )
  }

function newLike({ program }: Context, { height, width, pixelBytes }: Quantised): Pick<Quantised, 'buffer'> {
  return { buffer: program.buffer(height * width * pixelBytes) }
}

export const lowerAdd = lowerPair('add', 1)
export const lowerSub = lowerPair('add', -1)
export const lowerMul = lowerPair('scale', 1)

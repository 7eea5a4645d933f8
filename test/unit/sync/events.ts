import fc from 'fast-check'
import { type Event, FAULT_COUNT } from './simulation.ts'

const phone = fc.nat(3)
const fuse = fc.option(fc.nat(25), { nil: undefined })
const maybe = <T extends { fuse: number | undefined }>(event: T): Omit<T, 'fuse'> & { fuse?: number } => {
  const { fuse: left, ...rest } = event
  return left === undefined ? rest : { ...rest, fuse: left }
}

/** Anything that can happen, in its rough proportion. */
export const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('write' as const), phone, photo: fc.boolean(), fuse }).map(maybe),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('correct' as const), phone }) },
  {
    weight: 8,
    arbitrary: fc
      .record({
        type: fc.constant('sync' as const),
        phone,
        faults: fc.array(fc.nat(FAULT_COUNT - 1), { maxLength: 6 }),
        fuse,
      })
      .map(maybe),
  },
  { weight: 1, arbitrary: fc.constant<Event>({ type: 'together' }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('clone' as const), phone }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('wipe' as const), phone }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restore-hub' as const), kept: fc.nat(3) }) },
)

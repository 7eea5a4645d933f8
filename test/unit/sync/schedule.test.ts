import { expect, it } from 'vitest'
import { UNSEEN_MS } from '../../../src/store/store.ts'
import { onEvent, type Schedule, type ScheduleOptions, startSchedule } from '../../../src/sync/schedule.ts'
import type { SyncStatus } from '../../../src/sync/status.ts'
import { syncStatus as status } from '../../helpers/sync-status.ts'

interface Bench {
  schedule: Schedule
  /** What the next runs answer, in order; then the last again. */
  answers: SyncStatus[]
  runs: number
  registered: number
  errors: unknown[]
  /** The one timer that may be there. */
  timer: { ms: number; fire(): void } | undefined
  window: EventTarget
  settle(): Promise<void>
}

function start(answers: SyncStatus[], change: Partial<ScheduleOptions> = {}): Bench {
  const window = new EventTarget()
  const bench: Bench = {
    schedule: { wake: () => undefined, stop: () => undefined },
    answers,
    runs: 0,
    registered: 0,
    errors: [],
    timer: undefined,
    window,
    settle: () => new Promise((resolve) => setImmediate(resolve)),
  }
  bench.schedule = startSchedule({
    sync: {
      async now() {
        bench.runs += 1
        const next = bench.answers.length > 1 ? bench.answers.shift() : bench.answers[0]
        return next ?? status()
      },
    },
    triggers: [onEvent(window, 'online')],
    register: async () => {
      bench.registered += 1
    },
    after(ms, callback) {
      const timer = {
        ms,
        fire() {
          bench.timer = undefined
          callback()
        },
      }
      bench.timer = timer
      return () => {
        if (bench.timer === timer) bench.timer = undefined
      }
    },
    random: () => 1,
    onError: (error) => bench.errors.push(error),
    ...change,
  })
  return bench
}

it('tries at the start, and sets no timer when nothing waits', async () => {
  const bench = start([status()])
  await bench.settle()
  expect(bench).toMatchObject({ runs: 1, timer: undefined, registered: 0 })
})

it('does not wait by a timer for what is held: another hub has to move it on', async () => {
  const bench = start([status({ held: 3, allSent: false })])
  await bench.settle()
  expect(bench.timer).toBeUndefined()
})

it('does not wait by a timer for what nobody has looked at, but looks again when that may go by itself', async () => {
  const unseen = status({ blobsWaiting: 2, blobsUnseen: 2, allSent: false })
  const bench = start([unseen, unseen, status({ blobsWaiting: 3, blobsUnseen: 2, allSent: false })])
  await bench.settle()
  expect(bench).toMatchObject({ timer: { ms: UNSEEN_MS }, registered: 0 })
  bench.timer?.fire()
  await bench.settle()
  expect(bench).toMatchObject({ runs: 2, timer: { ms: UNSEEN_MS }, registered: 0 })
  bench.schedule.wake()
  await bench.settle()
  expect(bench).toMatchObject({ timer: { ms: 5_000 }, registered: 1 })
  bench.schedule.stop()
  expect(bench.timer).toBeUndefined()
})

it('tries again at longer and longer intervals while something waits, and asks for a wake-up', async () => {
  const bench = start([status({ local: 2 })])
  const waits: number[] = []
  for (let i = 0; i < 10; i++) {
    await bench.settle()
    waits.push(bench.timer?.ms ?? 0)
    bench.timer?.fire()
  }
  expect(waits.slice(0, 4)).toEqual([5_000, 10_000, 20_000, 40_000])
  expect(waits.at(-1)).toBe(15 * 60_000)
  expect(bench.registered).toBe(10)
})

it('begins again with a short wait when there was progress, and stops when all is sent', async () => {
  const bench = start([
    status({ local: 9 }),
    status({ local: 9 }),
    status({ local: 9 }),
    status({ local: 4 }),
    status(),
  ])
  const waits: (number | undefined)[] = []
  for (let i = 0; i < 5; i++) {
    await bench.settle()
    waits.push(bench.timer?.ms)
    bench.timer?.fire()
  }
  expect(waits).toEqual([5_000, 10_000, 20_000, 5_000, undefined])
})

it('tries at once when the network comes back, in place of the timer', async () => {
  const bench = start([status({ local: 1 }), status()])
  await bench.settle()
  expect(bench.timer).toBeDefined()
  bench.window.dispatchEvent(new Event('online'))
  expect(bench.timer).toBeUndefined()
  await bench.settle()
  expect(bench).toMatchObject({ runs: 2, timer: undefined })
})

it('looks at a condition: a page that is hidden again is no reason', async () => {
  let visible = false
  const document = new EventTarget()
  const bench = start([status()], { triggers: [onEvent(document, 'visibilitychange', () => visible)] })
  await bench.settle()
  document.dispatchEvent(new Event('visibilitychange'))
  expect(bench.runs).toBe(1)
  visible = true
  document.dispatchEvent(new Event('visibilitychange'))
  expect(bench.runs).toBe(2)
})

it('leaves a hub alone for as long as it asked, whatever else happens', async () => {
  const bench = start([status({ local: 1, lastError: 'sync/busy', retryAfter: 120_000 }), status()])
  await bench.settle()
  expect(bench.timer?.ms).toBe(120_000)
  bench.window.dispatchEvent(new Event('online'))
  bench.schedule.wake()
  await bench.settle()
  expect(bench.runs).toBe(1)
  bench.timer?.fire()
  await bench.settle()
  expect(bench).toMatchObject({ runs: 2, timer: undefined })
})

it('tries after each record, also while it is trying', async () => {
  const bench = start([status()])
  bench.schedule.wake()
  bench.schedule.wake()
  await bench.settle()
  expect(bench).toMatchObject({ runs: 3, timer: undefined })
})

it('tells of its own mistakes, and tries again at the next trigger', async () => {
  let fails = true
  const bench = start([], {
    sync: {
      async now() {
        if (fails) throw new Error('a mistake')
        return status({ local: 1 })
      },
    },
  })
  await bench.settle()
  expect(bench.errors).toMatchObject([{ message: 'a mistake' }])
  fails = false
  bench.schedule.wake()
  await bench.settle()
  expect(bench.timer).toBeDefined()
})

it('is silent once stopped', async () => {
  const bench = start([status({ local: 1 })])
  await bench.settle()
  const last = bench.timer
  bench.schedule.stop()
  expect(bench.timer).toBeUndefined()
  bench.window.dispatchEvent(new Event('online'))
  bench.schedule.wake()
  last?.fire()
  await bench.settle()
  expect(bench.runs).toBe(1)
})

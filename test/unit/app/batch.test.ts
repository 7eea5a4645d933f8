import { describe, expect, it } from 'vitest'
import { type Batch, type BatchOptions, createBatches, waitingIn } from '../../../src/app/state/batch.ts'
import type { BatchPlan, BatchStore } from '../../../src/app/state/batch-store.ts'
import type { Kit, OpenPack } from '../../../src/client/kit.ts'
import { createFakeKit, type FakeKit } from '../../helpers/fake-kit.ts'

const photos = (count: number): File[] => Array.from({ length: count }, (_, i) => new File([`photo ${i}`], `${i}.jpg`))
const never = (): Promise<never> => new Promise(() => undefined)

/** A disk that outlives the page. */
function createDisk(): BatchStore & { readonly files: Map<number, Blob>; room: boolean } {
  const files = new Map<number, Blob>()
  let plan: BatchPlan | undefined
  const disk = {
    files,
    room: true,
    async plan(next: BatchPlan) {
      plan = next
    },
    async keep(at: number, file: Blob) {
      if (disk.room) files.set(at, file)
    },
    drop: async (at: number) => void files.delete(at),
    load: async () => plan && { plan, files: new Map(files) },
    async clear() {
      plan = undefined
      files.clear()
    },
  }
  return disk
}

/** A page that dies: answers so many, and before it hears of the next one everything stands still. */
function dying(kit: FakeKit, answers: number, withARecord: boolean): Pick<Kit, 'open' | 'records'> {
  return {
    records: kit.records,
    async open(name, operation) {
      const pack = await kit.open(name, operation)
      async function* runAll(...asked: Parameters<OpenPack['runAll']>): ReturnType<OpenPack['runAll']> {
        const all = pack.runAll(...asked)
        for (let i = 0; i < answers; i++) {
          const next = await all.next()
          if (next.done) return
          yield next.value
        }
        if (withARecord) await all.next()
        await never()
      }
      return { ...pack, runAll }
    },
  }
}

function setUp(kit: BatchOptions['kit'], store: BatchStore) {
  const waiting: number[] = []
  const batches = createBatches({
    kit,
    store,
    circumstances: () => ({ actor: 'asha' }),
    onWaiting: (count) => void waiting.push(count),
  })
  return { batches, waiting }
}
const states = (batch: Batch | undefined): string[] => (batch?.items ?? []).map(({ state }) => state)
const recorded = async (kit: FakeKit): Promise<number[]> =>
  (await kit.records.list()).map(({ body }) => body.batch?.at ?? -1).sort()

describe('many photos', () => {
  it('are not written down where faces are still to be hidden: after a kill they are known to be missing', async () => {
    const kit = createFakeKit({ installed: true })
    const disk = createDisk()
    const options = { circumstances: () => ({}), onWaiting: () => undefined, mayKeep: () => false }
    const killed = createBatches({ kit: dying(kit, 1, false), store: disk, ...options })
    void killed.add('coffee-leaf', photos(3))
    await expect.poll(() => recorded(kit)).toEqual([0])
    await expect.poll(() => disk.load()).toBeDefined()
    expect(disk.files.size).toBe(0)
    const next = createBatches({ kit, store: disk, ...options })
    await next.restore()
    expect(states(next.current.value)).toEqual(['answered', 'lost', 'lost'])
  })

  it('are answered in order, each a record of its own that says who', async () => {
    const kit = createFakeKit({ installed: true })
    const disk = createDisk()
    const { batches, waiting } = setUp(kit, disk)
    await batches.add('coffee-leaf', photos(3))
    expect(batches.current.value).toMatchObject({ state: 'done', pack: 'coffee-leaf' })
    expect(states(batches.current.value)).toEqual(['answered', 'answered', 'answered'])
    expect(await recorded(kit)).toEqual([0, 1, 2])
    expect((await kit.records.list())[0]?.body.actor).toBe('asha')
    expect(waiting.at(-1)).toBe(0)
    expect(await disk.load()).toBeUndefined()
  })

  it('can be joined by more while they are looked at', async () => {
    const kit = createFakeKit({ installed: true, delay: 5 })
    const { batches } = setUp(kit, createDisk())
    const first = batches.add('coffee-leaf', photos(2))
    await expect.poll(() => batches.current.value?.state).toBe('running')
    await Promise.all([first, batches.add('coffee-leaf', photos(2))])
    expect(states(batches.current.value)).toEqual(Array(4).fill('answered'))
    expect(await recorded(kit)).toEqual([0, 1, 2, 3])
  })

  it('say which of them could not be judged, and go on', async () => {
    const kit = createFakeKit({ installed: true, runError: 'input/not-an-image' })
    const { batches } = setUp(kit, createDisk())
    await batches.add('coffee-leaf', photos(2))
    expect(batches.current.value?.items).toMatchObject([
      { state: 'failed', error: { code: 'input/not-an-image' } },
      { state: 'failed' },
    ])
  })

  it('wait where nothing can be answered, and are taken up again', async () => {
    const kit = createFakeKit({ installed: true })
    const broken: Pick<Kit, 'open' | 'records'> = { records: kit.records, open: () => Promise.reject(new Error('no')) }
    const source = { ...broken }
    const { batches } = setUp(source, createDisk())
    await batches.add('coffee-leaf', photos(2))
    expect(batches.current.value).toMatchObject({ state: 'done', error: new Error('no') })
    expect(states(batches.current.value)).toEqual(['waiting', 'waiting'])
  })

  it('stop when somebody says so: what is answered stays, the rest is let go', async () => {
    const kit = createFakeKit({ installed: true, delay: 5 })
    const disk = createDisk()
    const { batches, waiting } = setUp(kit, disk)
    let stopping: Promise<void> | undefined
    batches.current.subscribe((batch) => {
      if (states(batch).includes('answered')) stopping ??= batches.stop()
    })
    await batches.add('coffee-leaf', photos(5))
    await stopping
    expect(batches.current.value?.state).toBe('done')
    const done = await recorded(kit)
    expect(done.length).toBeLessThan(4)
    expect(states(batches.current.value)).toEqual(['answered'])
    expect(waiting.at(-1)).toBe(0)
    expect(await disk.load()).toBeUndefined()
  })

  it.each([
    [0, false],
    [0, true],
    [2, false],
    [2, true],
    [4, true],
  ])(
    'after the page died with %s of 5 answered (and one more unheard: %s), are answered once each',
    async (answers, more) => {
      const kit = createFakeKit({ installed: true })
      const disk = createDisk()
      void setUp(dying(kit, answers, more), disk).batches.add('coffee-leaf', photos(5))
      await expect.poll(() => recorded(kit)).toHaveLength(answers + Number(more))
      await expect.poll(() => disk.files.size).toBe(5 - answers)
      const { batches, waiting } = setUp(kit, disk)
      await batches.restore()
      expect(batches.current.value?.state).toBe('kept')
      expect(waiting.at(-1)).toBe(5 - answers - Number(more))
      await batches.resume()
      expect(states(batches.current.value)).toEqual(Array(5).fill('answered'))
      expect(await recorded(kit)).toEqual([0, 1, 2, 3, 4])
    },
  )

  it('that a full phone could not keep are said to be missing', async () => {
    const kit = createFakeKit({ installed: true })
    const disk = createDisk()
    disk.room = false
    void setUp(dying(kit, 1, false), disk).batches.add('coffee-leaf', photos(3))
    await expect.poll(() => recorded(kit)).toHaveLength(1)
    const { batches } = setUp(kit, disk)
    await batches.restore()
    expect(states(batches.current.value)).toEqual(['answered', 'lost', 'lost'])
    expect(waitingIn(batches.current.value as Batch)).toEqual([])
  })

  it('that nobody left are no batch', async () => {
    const { batches, waiting } = setUp(createFakeKit(), createDisk())
    await batches.restore()
    expect(batches.current.value).toBeUndefined()
    expect(waiting).toEqual([0])
  })
})

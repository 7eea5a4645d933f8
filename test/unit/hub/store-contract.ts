import { afterEach, describe, expect, it } from 'vitest'
import type { HubStore, NewLine, Place, Segment } from '../../../src/hub/store/store.ts'
import { utf8 } from '../../../src/lib/bytes.ts'
import { sha256Hex } from '../../../src/lib/sha256.ts'
import { EMPTY_HASH, nextHash } from '../../../src/protocol/log.ts'

const DEVICE = 'device-one'
const STREAM = 'aaaaaaaaaaaaaaaa'
const OTHER = 'bbbbbbbbbbbbbbbb'
const PHOTO = '12'.repeat(32)

async function lines(after: { seq: number; hash: string }, texts: readonly string[]): Promise<NewLine[]> {
  const made: NewLine[] = []
  let { hash } = after
  for (const [i, line] of texts.entries()) {
    hash = await nextHash(hash, line)
    const seq = after.seq + 1 + i
    made.push({ seq, line, lineHash: await sha256Hex(utf8(line)), hash, verdict: 'ok', attachments: [] })
  }
  return made
}

async function segment(texts: readonly string[], change: Partial<Segment> = {}): Promise<Segment> {
  const after = change.after ?? { seq: 0, hash: EMPTY_HASH }
  const made = await lines(after, texts)
  const head = made.at(-1) ?? after
  return {
    stream: STREAM,
    device: DEVICE,
    epoch: 'epoch',
    after,
    lines: made,
    announced: { seq: head.seq, hash: head.hash, signature: 'signed' },
    receivedAt: 1000,
    ...change,
  }
}

const endOf = ({ lines: made }: Segment) => made.at(-1) as NewLine
const photo = { sha256: PHOTO, type: 'image/jpeg', bytes: 3, role: 'input' } as const

/** What every store of a hub must do, whatever it is made of. */
export function describeHubStore(name: string, open: () => Promise<HubStore>): void {
  describe(`hub store: ${name}`, () => {
    let store: HubStore | undefined
    afterEach(async () => {
      await store?.close()
      store = undefined
    })

    async function opened(): Promise<HubStore> {
      store = await open()
      await store.addProgram('default', 1)
      await store.seeDevice('default', { key: DEVICE, app: 'jiko 1', at: 1 })
      return store
    }

    it('adds a program once and keeps programs apart', async () => {
      const hub = await opened()
      await hub.addProgram('default', 2)
      await hub.addProgram('coffee', 2)
      expect(await hub.programs()).toEqual(['coffee', 'default'])
      await hub.append('default', await segment(['a']))
      expect(await hub.count('default')).toBe(1)
      expect(await hub.count('coffee')).toBe(0)
      expect(await hub.records('coffee', { limit: 9 })).toEqual([])
      expect(await hub.stream('coffee', STREAM)).toBeUndefined()
      expect(await hub.device('coffee', DEVICE)).toBeUndefined()
    })

    it('remembers when a device was first and last here, to the minute', async () => {
      const hub = await opened()
      await hub.seeDevice('default', { key: DEVICE, app: 'jiko 1', at: 30_000 })
      expect(await hub.device('default', DEVICE)).toEqual({ key: DEVICE, app: 'jiko 1', firstSeen: 1, lastSeen: 1 })
      const later = await hub.seeDevice('default', { key: DEVICE, app: 'jiko 1', at: 100_000 })
      expect(later).toEqual({ key: DEVICE, app: 'jiko 1', firstSeen: 1, lastSeen: 100_000 })
      await hub.seeDevice('default', { key: DEVICE, app: 'jiko 2', at: 100_001 })
      expect(await hub.device('default', DEVICE)).toMatchObject({ app: 'jiko 2', lastSeen: 100_001 })
    })

    it('revokes a device once and keeps that over later contacts', async () => {
      const hub = await opened()
      await hub.revokeDevice('default', DEVICE, 50)
      await hub.revokeDevice('default', DEVICE, 60)
      expect(await hub.seeDevice('default', { key: DEVICE, app: 'jiko 1', at: 500_000 })).toMatchObject({
        revokedAt: 50,
        lastSeen: 500_000,
      })
    })

    it('appends segments one after the other, every character kept', async () => {
      const hub = await opened()
      const texts = ['{"a":1}', 'naïve ☕ 🍃', 'not json', '', 'a\u0000b\nc']
      const first = await segment(texts)
      expect(await hub.append('default', first)).toBe(true)
      const second = await segment(['six'], { after: endOf(first), receivedAt: 2000 })
      expect(await hub.append('default', second)).toBe(true)
      const all = await hub.records('default', { limit: 100 })
      expect(all.map(({ line }) => line)).toEqual([...texts, 'six'])
      expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6])
      expect(all[5]).toEqual({
        stream: STREAM,
        device: DEVICE,
        seq: 6,
        line: 'six',
        verdict: 'ok',
        receivedAt: 2000,
      })
      expect(await hub.stream('default', STREAM)).toEqual({
        stream: STREAM,
        device: DEVICE,
        epoch: 'epoch',
        tip: 6,
        hash: endOf(second).hash,
        announced: second.announced,
        proven: 0,
        above: { held: 0, final: 0 },
      })
      expect(await hub.count('default')).toBe(6)
    })

    it('takes a segment larger than one insert', async () => {
      const hub = await opened()
      const large = await segment(Array.from({ length: 457 }, (_, i) => `line ${i}`))
      expect(await hub.append('default', large)).toBe(true)
      expect(await hub.positions('default', STREAM, 1, 1000)).toEqual(
        large.lines.map(({ seq, lineHash, hash, verdict }) => ({ seq, lineHash, hash, verdict })),
      )
    })

    it('refuses a segment that does not begin where the stream stands, and writes nothing', async () => {
      const hub = await opened()
      const first = await segment(['a', 'b'])
      await hub.append('default', first)
      const before = await hub.stream('default', STREAM)
      expect(await hub.append('default', first)).toBe(false)
      expect(await hub.append('default', await segment(['x'], { after: { seq: 5, hash: EMPTY_HASH } }))).toBe(false)
      expect(await hub.append('default', await segment(['x'], { after: { seq: 2, hash: EMPTY_HASH } }))).toBe(false)
      const unknown = await segment(['x'], { stream: OTHER, after: { seq: 2, hash: EMPTY_HASH } })
      expect(await hub.append('default', unknown)).toBe(false)
      expect(await hub.stream('default', OTHER)).toBeUndefined()
      expect(await hub.stream('default', STREAM)).toEqual(before)
      expect(await hub.count('default')).toBe(2)
    })

    it('lets one of several equal appends at once through', async () => {
      const hub = await opened()
      const one = await segment(['a', 'b', 'c'])
      const answers = await Promise.all([1, 2, 3].map(() => hub.append('default', one)))
      expect(answers.filter(Boolean)).toHaveLength(1)
      expect(await hub.records('default', { limit: 9 })).toHaveLength(3)
    })

    it('leaves nothing of a segment with a hole, of an unknown device or of an unknown program', async () => {
      const hub = await opened()
      const good = await segment(['a', 'b', 'c'])
      const holed = { ...good, lines: good.lines.filter(({ seq }) => seq !== 2) }
      await expect(hub.append('default', holed)).rejects.toMatchObject({ code: 'hub/bad-segment' })
      await expect(hub.append('default', { ...good, device: 'nobody' })).rejects.toThrow()
      await expect(hub.append('nowhere', good)).rejects.toThrow()
      expect(await hub.stream('default', STREAM)).toBeUndefined()
      expect(await hub.records('default', { limit: 9 })).toEqual([])
      expect(await hub.append('default', good)).toBe(true)
    })

    it('notes an announced head without lines, and never takes one back', async () => {
      const hub = await opened()
      const head = { seq: 9, hash: 'ab'.repeat(32), signature: 'nine' }
      expect(await hub.append('default', await segment([], { announced: head }))).toBe(true)
      expect(await hub.stream('default', STREAM)).toMatchObject({ tip: 0, hash: EMPTY_HASH, announced: head })
      const first = await segment(['a'], { announced: { seq: 1, hash: EMPTY_HASH, signature: 'one' } })
      expect(await hub.append('default', first)).toBe(true)
      expect(await hub.stream('default', STREAM)).toMatchObject({ tip: 1, announced: head })
    })

    it('gives positions of the part asked for', async () => {
      const hub = await opened()
      const one = await segment(['a', 'b', 'c', 'd'])
      await hub.append('default', one)
      expect((await hub.positions('default', STREAM, 2, 3)).map(({ seq }) => seq)).toEqual([2, 3])
      expect(await hub.positions('default', STREAM, 5, 9)).toEqual([])
      expect(await hub.positions('default', OTHER, 1, 9)).toEqual([])
    })

    it('keeps a forked line once, beside the one that stands there', async () => {
      const hub = await opened()
      await hub.append('default', await segment(['a']))
      const forked = { stream: STREAM, seq: 1, lineHash: 'cd'.repeat(32), line: 'A', receivedAt: 5 }
      const later = { ...forked, seq: 2, lineHash: 'ef'.repeat(32), line: 'B', receivedAt: 6 }
      await hub.addForks('default', [forked])
      await hub.addForks('default', [{ ...forked, receivedAt: 7 }, later])
      expect(await hub.forks('default', 9)).toEqual([later, forked])
      expect(await hub.forks('default', 1)).toEqual([later])
      expect((await hub.records('default', { limit: 9 })).map(({ line }) => line)).toEqual(['a'])
    })

    it('pages through the order of arrival both ways, without a hole or a repetition', async () => {
      const hub = await opened()
      const one = await segment(['a1', 'a2', 'a3'], { receivedAt: 10 })
      await hub.append('default', one)
      await hub.append('default', await segment(['b1', 'b2'], { stream: OTHER, receivedAt: 10 }))
      await hub.append('default', await segment(['a4'], { after: endOf(one), receivedAt: 11 }))
      const expected = ['a1', 'a2', 'a3', 'b1', 'b2', 'a4']
      for (const limit of [1, 2, 4, 100]) {
        const forth: string[] = []
        const back: string[] = []
        for (let since: Place | undefined; ; ) {
          const page = await hub.records('default', { limit, ...(since && { since }) })
          if (page.length === 0) break
          forth.push(...page.map(({ line }) => line))
          since = page.at(-1)
        }
        for (let before: Place | undefined; ; ) {
          const page = await hub.newest('default', { limit, ...(before && { before }) })
          if (page.length === 0) break
          back.push(...page.map(({ line }) => line))
          before = page.at(-1)
        }
        expect(forth).toEqual(expected)
        expect(back).toEqual(expected.toReversed())
      }
    })

    it('knows which attachments it lacks, by stream, until they are whole', async () => {
      const hub = await opened()
      const one = await segment(['a', 'b'])
      const named = { ...one, lines: one.lines.map((line) => ({ ...line, attachments: [photo] })) }
      await hub.append('default', named)
      await hub.append('default', await segment(['c'], { stream: OTHER }))
      expect(await hub.namedBlob('default', PHOTO)).toEqual({ type: 'image/jpeg', whole: false })
      expect(await hub.namedBlob('default', '34'.repeat(32))).toBeUndefined()
      expect(await hub.lackingBlobs('default', [STREAM, OTHER], 9)).toEqual([PHOTO])
      expect(await hub.lackingBlobs('default', [OTHER], 9)).toEqual([])
      expect(await hub.lackingBlobs('default', [], 9)).toEqual([])
      await hub.addBlob('default', { sha256: PHOTO, bytes: 3, at: 2 })
      await hub.addBlob('default', { sha256: PHOTO, bytes: 3, at: 3 })
      expect(await hub.lackingBlobs('default', [STREAM], 9)).toEqual([])
      expect(await hub.namedBlob('default', PHOTO)).toEqual({ type: 'image/jpeg', whole: true })
    })

    it('does not ask again for an attachment that came before a second record named it', async () => {
      const hub = await opened()
      const one = await segment(['a'])
      await hub.append('default', { ...one, lines: one.lines.map((line) => ({ ...line, attachments: [photo] })) })
      await hub.addBlob('default', { sha256: PHOTO, bytes: 3, at: 2 })
      const two = await segment(['b'], { stream: OTHER })
      await hub.append('default', { ...two, lines: two.lines.map((line) => ({ ...line, attachments: [photo] })) })
      expect(await hub.lackingBlobs('default', [STREAM, OTHER], 9)).toEqual([])
    })

    it('counts what it has, and lists the devices', async () => {
      const hub = await opened()
      await hub.seeDevice('default', { key: 'another', app: 'jiko 2', at: 5 })
      const one = await segment(['a', 'b', 'c'], { announced: { seq: 7, hash: EMPTY_HASH, signature: 's' } })
      const judged = one.lines.map((line) => (line.seq === 2 ? { ...line, verdict: 'quarantine: poison' } : line))
      await hub.append('default', { ...one, lines: judged })
      await hub.append('default', await segment(['d'], { stream: OTHER }))
      await hub.addForks('default', [{ stream: STREAM, seq: 1, lineHash: 'cd'.repeat(32), line: 'A', receivedAt: 5 }])
      await hub.addBlob('default', { sha256: PHOTO, bytes: 30, at: 2 })
      await hub.addBlob('default', { sha256: '34'.repeat(32), bytes: 12, at: 2 })
      expect(await hub.totals('default')).toEqual({
        devices: 2,
        streams: 2,
        records: 4,
        quarantined: 1,
        missing: 4,
        forks: 1,
        blobs: 2,
        blobBytes: 42,
      })
      expect((await hub.devices('default')).map(({ key, app }) => [key, app])).toEqual([
        ['another', 'jiko 2'],
        [DEVICE, 'jiko 1'],
      ])
      await hub.addProgram('coffee', 1)
      expect(await hub.totals('coffee')).toMatchObject({ devices: 0, records: 0, missing: 0, blobBytes: 0 })
      expect(await hub.devices('coffee')).toEqual([])
    })

    it('gives lines of a stream with what was thought of them', async () => {
      const hub = await opened()
      const one = await segment(['a', 'b', 'c', 'd'])
      await hub.append('default', one)
      const plain = one.lines.map(({ attachments: _, ...line }) => ({ ...line, receivedAt: 1000 }))
      expect(await hub.lines('default', STREAM, 2, 2)).toEqual(plain.slice(1, 3))
      expect(await hub.lines('default', STREAM, 4, 9)).toEqual(plain.slice(3))
      expect(await hub.lines('default', STREAM, 5, 9)).toEqual([])
      expect(await hub.lines('default', OTHER, 1, 9)).toEqual([])
    })

    it('keeps the heads that prove a chain, each once', async () => {
      const hub = await opened()
      const one = await segment(['a', 'b', 'c', 'd'])
      const head = (seq: number) => ({ seq, hash: one.lines[seq - 1]?.hash ?? '', signature: `signed ${seq}` })
      expect(await hub.provenHead('default', STREAM, 1, 9)).toBeUndefined()
      await hub.append('default', { ...one, proven: [head(2)] })
      expect(await hub.stream('default', STREAM)).toMatchObject({ proven: 2 })
      await hub.append('default', { ...one, lines: [], after: endOf(one), proven: [head(2), head(4)] })
      expect(await hub.stream('default', STREAM)).toMatchObject({ proven: 4, tip: 4 })
      expect(await hub.provenHead('default', STREAM, 1, 9)).toEqual(head(4))
      expect(await hub.provenHead('default', STREAM, 1, 3)).toEqual(head(2))
      expect(await hub.provenHead('default', STREAM, 3, 3)).toEqual(head(4))
      expect(await hub.provenHead('default', STREAM, 5, 9)).toBeUndefined()
    })

    it('keeps no head of a segment that was not added', async () => {
      const hub = await opened()
      const one = await segment(['a'])
      const stale = {
        ...one,
        after: { seq: 3, hash: EMPTY_HASH },
        lines: [],
        proven: [endOf(one)].map((line) => ({ ...line, signature: 's' })),
      }
      expect(await hub.append('default', stale)).toBe(false)
      expect(await hub.provenHead('default', STREAM, 1, 9)).toBeUndefined()
    })

    it('knows what is to be passed on, until it is noted as final above', async () => {
      const hub = await opened()
      const append = async (stream: string, texts: string[]) => {
        const one = await segment(texts, { stream })
        await hub.append('default', { ...one, proven: [one.announced] })
      }
      await append(STREAM, ['a', 'b'])
      await append(OTHER, ['c'])
      await hub.append('default', await segment(['unproven'], { stream: 'cccccccccccccccc' }))
      const names = async (options: { after?: string; settled?: boolean; limit?: number } = {}) =>
        (await hub.carryable('default', { limit: 9, ...options })).map(({ stream }) => stream)
      expect(await names()).toEqual([STREAM, OTHER])
      expect(await names({ limit: 1 })).toEqual([STREAM])
      expect(await names({ after: STREAM })).toEqual([OTHER])
      expect(await hub.lag('default')).toEqual({ records: 4, blobs: 0, forks: 0 })
      await hub.noteAbove('default', STREAM, { held: 2, final: 1 })
      expect(await names()).toEqual([STREAM, OTHER])
      await hub.noteAbove('default', STREAM, { held: 2, final: 2 })
      expect(await names()).toEqual([OTHER])
      expect(await names({ settled: true })).toEqual([STREAM, OTHER])
      expect((await hub.stream('default', STREAM))?.above).toEqual({ held: 2, final: 2 })
      expect(await hub.lag('default')).toEqual({ records: 2, blobs: 0, forks: 0 })
      await hub.forgetAbove('default')
      expect(await names()).toEqual([STREAM, OTHER])
    })

    it('does not wait for what comes after a division, once it was handed on', async () => {
      const hub = await opened()
      const one = await segment(['a', 'b', 'c'])
      await hub.append('default', { ...one, proven: [one.announced] })
      const waits = async () => (await hub.carryable('default', { limit: 9 })).length > 0
      await hub.noteAbove('default', STREAM, { held: 1, final: 1, dividedAfter: 1 })
      expect((await hub.stream('default', STREAM))?.above).toEqual({ held: 1, final: 1, dividedAfter: 1 })
      expect(await waits()).toBe(true)
      await hub.noteAbove('default', STREAM, { held: 3, final: 0, dividedAfter: 1 })
      expect(await waits()).toBe(true)
      await hub.noteAbove('default', STREAM, { held: 3, final: 1, dividedAfter: 1 })
      expect(await waits()).toBe(false)
      await hub.noteAbove('default', STREAM, { held: 0, final: 0 })
      expect((await hub.stream('default', STREAM))?.above).toEqual({ held: 0, final: 0 })
    })

    it('remembers which forked lines and attachments the hub above has', async () => {
      const hub = await opened()
      const one = await segment(['a'])
      await hub.append('default', { ...one, lines: one.lines.map((line) => ({ ...line, attachments: [photo] })) })
      const fork = { stream: STREAM, seq: 1, lineHash: 'cd'.repeat(32), line: 'A', receivedAt: 5 }
      const later = { ...fork, lineHash: 'ef'.repeat(32), line: 'B', receivedAt: 6 }
      await hub.addForks('default', [fork, later])
      await hub.addBlob('default', { sha256: PHOTO, bytes: 3, at: 2 })
      expect(await hub.forksToForward('default', 9)).toEqual([fork, later])
      expect(await hub.blobsToForward('default', 9)).toEqual([PHOTO])
      expect(await hub.lag('default')).toMatchObject({ blobs: 1, forks: 2 })
      await hub.noteForkAbove('default', fork)
      await hub.noteBlobAbove('default', PHOTO, 'held')
      await hub.noteBlobAbove('default', '34'.repeat(32), 'held')
      await hub.addForks('default', [fork])
      await hub.addBlob('default', { sha256: PHOTO, bytes: 3, at: 3 })
      expect(await hub.forksToForward('default', 9)).toEqual([later])
      expect(await hub.blobsToForward('default', 9)).toEqual([])
      await hub.noteBlobAbove('default', PHOTO, 'nowhere')
      expect(await hub.blobsToForward('default', 9)).toEqual([PHOTO])
      await hub.forgetAbove('default')
      expect(await hub.forksToForward('default', 9)).toEqual([fork, later])
    })

    it('keeps what others say by the stream it is about, and counts it once its own line is on a chain', async () => {
      const hub = await opened()
      const hash = await sha256Hex(utf8('said'))
      const change = { target: STREAM, targetSeq: 1, stream: OTHER, seq: 1, line: 'said', lineHash: hash, at: 5 }
      const said = { ...change, above: false }
      await hub.addChanges('default', [said])
      const all = () => hub.changes('default', STREAM, { known: {}, limit: 9 })
      expect(await all()).toEqual([])
      await hub.append('default', await segment(['said'], { stream: OTHER }))
      await hub.addChanges('default', [said])
      expect(await all()).toEqual([said])
      expect(await hub.changes('default', OTHER, { known: {}, limit: 9 })).toEqual([])
      expect(await hub.changes('coffee', STREAM, { known: {}, limit: 9 }).catch(() => [])).toEqual([])
      expect(await hub.knownChanges('default', STREAM)).toEqual({ [OTHER]: 1 })
      // Another line under the same number is not on the chain, until the hub above vouches for it.
      const handed = { ...change, line: 'other', lineHash: await sha256Hex(utf8('other')), seq: 2, at: 7 }
      await hub.addChanges('default', [{ ...handed, above: false }])
      expect(await all()).toHaveLength(1)
      await hub.addChanges('default', [{ ...handed, above: true }])
      await hub.addChanges('default', [{ ...handed, above: false }])
      expect((await all()).map(({ seq, above }) => [seq, above])).toEqual([
        [1, false],
        [2, true],
      ])
      expect(await hub.changes('default', STREAM, { known: { [OTHER]: 1 }, limit: 9 })).toMatchObject([{ seq: 2 }])
      expect(await hub.changes('default', STREAM, { known: {}, limit: 1 })).toMatchObject([{ seq: 1 }])
      expect(await hub.changedSince('default', 7, 9)).toEqual([STREAM])
      expect(await hub.changedSince('default', 8, 9)).toEqual([])
    })

    it('erases a line, what it names and its copies, by the order of those who may, and its chain stays', async () => {
      const hub = await opened()
      await hub.seeDevice('default', { key: 'hub', app: 'hub 1', at: 1 })
      const other = { sha256: '56'.repeat(32), type: 'image/png', bytes: 3, role: 'preview' } as const
      const one = await segment(['mine', 'next'])
      const [mine, next] = one.lines as [NewLine, NewLine]
      const named = [
        { ...mine, attachments: [photo, other] },
        { ...next, attachments: [other] },
      ]
      await hub.append('default', { ...one, lines: named })
      for (const sha256 of [PHOTO, other.sha256]) await hub.addBlob('default', { sha256, bytes: 3, at: 2 })
      await hub.addForks('default', [{ stream: STREAM, seq: 1, lineHash: mine.lineHash, line: 'mine', receivedAt: 1 }])
      const order = await segment(['erase it'], { stream: OTHER, device: 'hub' })
      const change = {
        target: STREAM,
        targetSeq: 1,
        stream: OTHER,
        seq: 1,
        line: 'erase it',
        lineHash: endOf(order).lineHash,
        erases: mine.lineHash,
        at: 5,
        above: false,
      }
      await hub.addChanges('default', [change])
      expect(await hub.erasures('default', 'hub', 9)).toEqual([])
      await hub.append('default', order)
      expect(await hub.erasures('default', 'somebody', 9)).toEqual([])
      const [erasure, ...more] = await hub.erasures('default', 'hub', 9)
      expect([erasure, more]).toEqual([{ stream: STREAM, seq: 1, lineHash: mine.lineHash, blobs: [PHOTO] }, []])
      await hub.erase('default', erasure as never)
      expect(await hub.erasures('default', 'hub', 9)).toEqual([])
      expect(await hub.lines('default', STREAM, 1, 1)).toMatchObject([
        { line: '', verdict: 'gone: erased', hash: mine.hash },
      ])
      expect(await hub.forks('default', 9)).toEqual([])
      expect(await hub.namedBlob('default', PHOTO)).toBeUndefined()
      expect(await hub.namedBlob('default', other.sha256)).toEqual({ type: 'image/png', whole: true })
      expect(await hub.totals('default')).toMatchObject({ blobs: 1, quarantined: 0, records: 3 })
      expect(await hub.stream('default', STREAM)).toMatchObject({ tip: 2, hash: next.hash })
    })

    it('takes the text of a line that was lost, and no other', async () => {
      const hub = await opened()
      const one = await segment(['kept', 'lost'])
      const [kept, lost] = one.lines as [NewLine, NewLine]
      const gone = { ...lost, line: '', verdict: 'gone: pruned' }
      await hub.append('default', { ...one, lines: [kept, gone] })
      expect(await hub.lostLines('default', STREAM, 9)).toEqual([2])
      expect(await hub.lostLines('default', STREAM, 0)).toEqual([])
      await hub.restoreLines('default', STREAM, [{ ...lost, line: 'forged', lineHash: kept.lineHash }])
      await hub.restoreLines('default', STREAM, [{ ...kept, line: 'forged' }])
      expect((await hub.lines('default', STREAM, 1, 9)).map(({ line }) => line)).toEqual(['kept', ''])
      await hub.restoreLines('default', STREAM, [{ ...lost, hash: '', attachments: [photo] }])
      expect((await hub.lines('default', STREAM, 1, 9)).at(-1)).toMatchObject({
        line: 'lost',
        verdict: 'ok',
        hash: lost.hash,
      })
      expect(await hub.lackingBlobs('default', [STREAM], 9)).toEqual([PHOTO])
      expect(await hub.lostLines('default', STREAM, 9)).toEqual([])
    })

    it('knows of attachments above whether the root has them', async () => {
      const hub = await opened()
      const one = await segment(['a'])
      await hub.append('default', { ...one, lines: one.lines.map((line) => ({ ...line, attachments: [photo] })) })
      await hub.addBlob('default', { sha256: PHOTO, bytes: 3, at: 2 })
      const waits = () => hub.blobsToConfirm('default', { limit: 9 })
      expect([await waits(), await hub.finalBlobs('default', [PHOTO], false)]).toEqual([[], []])
      expect(await hub.finalBlobs('default', ['34'.repeat(32), PHOTO], true)).toEqual([PHOTO])
      await hub.noteBlobAbove('default', PHOTO, 'held')
      expect(await waits()).toEqual([PHOTO])
      expect(await hub.blobsToConfirm('default', { after: PHOTO, limit: 9 })).toEqual([])
      expect(await hub.lag('default')).toMatchObject({ blobs: 1 })
      await hub.noteBlobAbove('default', PHOTO, 'final')
      expect([await waits(), await hub.finalBlobs('default', [PHOTO], false)]).toEqual([[], [PHOTO]])
      expect(await hub.lag('default')).toMatchObject({ blobs: 0 })
      expect(await hub.finalBlobs('default', [], true)).toEqual([])
    })

    it('remembers settings', async () => {
      const hub = await opened()
      expect(await hub.setting('a')).toBeUndefined()
      await hub.setSetting('a', '1')
      await hub.setSetting('a', '2')
      expect(await hub.setting('a')).toBe('2')
    })

    it('lists the streams with their owners', async () => {
      const hub = await opened()
      await hub.append('default', await segment(['b'], { stream: OTHER }))
      await hub.append('default', await segment(['a', 'c']))
      const known = await hub.streams('default')
      expect(known.map(({ stream, tip, device }) => [stream, tip, device])).toEqual([
        [STREAM, 2, DEVICE],
        [OTHER, 1, DEVICE],
      ])
    })
  })
}

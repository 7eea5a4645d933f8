import { beforeEach, describe, expect, it } from 'vitest'
import { fromHex, utf8 } from '../../../src/lib/bytes.ts'
import { sha256, sha256Hex } from '../../../src/lib/sha256.ts'
import { EMPTY_HASH, nextHash, nextHashOf, streamId } from '../../../src/protocol/log.ts'
import type { RecordBody } from '../../../src/protocol/record.ts'
import { verify } from '../../../src/protocol/sign.ts'
import { corrected } from '../../../src/store/corrected.ts'
import { countRecords } from '../../../src/store/counts.ts'
import type { RecordStore, StreamState } from '../../../src/store/store.ts'
import { correction, note, photo, result, resultWith, retract } from './samples.ts'

export interface Bench {
  /** Opens the store, again and again over the same disk: another tab, or the next start. */
  open(): Promise<RecordStore>
  /** Makes the write after `count` more ones fail as when the device is full; -1 heals it. */
  failAfter(count: number): void
}

const current = async (store: RecordStore): Promise<StreamState> => {
  const state = (await store.streams()).at(-1)
  if (!state) throw new Error('no stream')
  return state
}

async function waiting(store: RecordStore): Promise<number> {
  const { previews, full } = await store.countAttachments()
  return previews + full
}

/** What every implementation of RecordStore must do. */
export function describeRecordStore(name: string, createBench: () => Bench): void {
  describe(name, () => {
    let bench: Bench
    let store: RecordStore
    beforeEach(async () => {
      bench = createBench()
      store = await bench.open()
      return () => store.close()
    })

    it('mints a stream that belongs to its key, and keeps both over a restart', async () => {
      const state = await current(store)
      expect(state).toMatchObject({ born: 1, tip: 0, hash: EMPTY_HASH, held: 0, final: 0 })
      expect(await streamId(store.signer.key, state.epoch)).toBe(state.stream)
      const again = await bench.open()
      expect(again.signer.key).toBe(store.signer.key)
      expect(await again.streams()).toEqual([state])
      const message = utf8('hello')
      expect(await verify(store.signer.key, message, await again.signer.sign(message))).toBe(true)
      again.close()
    })

    it('numbers from 1, keeps the exact line and chains the hashes', async () => {
      let hash = EMPTY_HASH
      for (const [i, label] of ['rust', 'phoma', 'Ugonjwa – كويس'].entries()) {
        const record = await store.append(result(label))
        hash = await nextHash(hash, record.line)
        expect(record).toMatchObject({ seq: i + 1, hash, line: JSON.stringify(result(label)) })
        expect(await store.get(`${record.stream}/${record.seq}`)).toEqual(record)
      }
      expect(await current(store)).toMatchObject({ tip: 3, hash })
      expect(await store.lines((await current(store)).stream, 2, 10)).toEqual([
        JSON.stringify(result('phoma')),
        JSON.stringify(result('Ugonjwa – كويس')),
      ])
    })

    it('gives every record its own number when two tabs and many calls write at once', async () => {
      const other = await bench.open()
      const writers = [store, other, store, other]
      const records = await Promise.all(
        Array.from({ length: 40 }, (_, i) => (writers[i % 4] ?? store).append(result(`label-${i}`))),
      )
      expect(records.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
      const { stream, tip, hash } = await current(store)
      let expected = EMPTY_HASH
      const lines = await other.lines(stream, 1, 100)
      for (const line of lines) expected = await nextHash(expected, String(line))
      expect({ tip, hash }).toEqual({ tip: 40, hash: expected })
      expect(new Set(lines)).toEqual(new Set(records.map(({ line }) => line)))
      other.close()
    })

    it('refuses what could never be accepted, and writes nothing', async () => {
      const file = await photo(1)
      const wrong = { ...file, sha256: '0'.repeat(64) }
      const refusals = [
        [store.append(result('x', { threshold: Number.NaN })), 'log/bad-record'],
        [store.append(result('x'.repeat(70_000))), 'log/bad-record'],
        [store.append(resultWith(wrong), [wrong]), 'log/bad-attachment'],
        [store.append(correction(`${(await current(store)).stream}/1`, 'x')), 'log/unknown-record'],
      ] as const
      for (const [promise, code] of refusals) await expect(promise).rejects.toMatchObject({ code })
      expect(await store.list()).toEqual([])
      expect(await waiting(store)).toBe(0)
      expect(await store.append(result())).toMatchObject({ seq: 1 })
    })

    it('writes all or nothing when the device is full, at whichever write that is', async () => {
      const file = await photo(1)
      let writes = 0
      for (; writes < 20; writes++) {
        bench.failAfter(writes)
        const outcome = await store.append(resultWith(file), [file]).then(
          () => 'saved',
          (error) => error.code,
        )
        bench.failAfter(-1)
        if (outcome === 'saved') break
        expect(outcome).toBe('storage/quota')
        const restarted = await bench.open()
        expect(await restarted.list()).toEqual([])
        expect(await restarted.attachment(file.sha256)).toBeUndefined()
        expect(await waiting(restarted)).toBe(0)
        expect(await current(restarted)).toMatchObject({ tip: 0, hash: EMPTY_HASH })
        restarted.close()
      }
      // Record, attachment, its upload and the tip: four writes can fail.
      expect(writes).toBe(4)
      expect(await store.list()).toHaveLength(1)
    })

    it('keeps attachments with their type, once, and tells which wait, oldest first', async () => {
      const [first, second] = [await photo(1), await photo(2, 5000)]
      await store.append(resultWith(first), [first])
      await store.append(resultWith(second), [second])
      await store.append(resultWith(first), [first])
      const blob = await store.attachment(second.sha256)
      expect(blob?.type).toBe('image/jpeg')
      expect(new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer(0))).toEqual(second.bytes)
      expect((await store.waitingAttachments(10)).map(({ sha256, size }) => [sha256, size])).toEqual([
        [first.sha256, 1000],
        [second.sha256, 5000],
      ])
      expect(await store.waitingAttachments(1)).toHaveLength(1)
      await store.attachmentHeld(first.sha256)
      expect(await waiting(store)).toBe(1)
      expect(await store.attachment(first.sha256)).toBeDefined()
      expect(await store.attachmentWanted(first.sha256)).toBe(true)
      expect(await store.attachmentWanted('0'.repeat(64))).toBe(false)
      expect(await waiting(store)).toBe(2)
      expect(await store.attachment('0'.repeat(64))).toBeUndefined()
    })

    it('pages through the log newest first, over streams too', async () => {
      for (let i = 1; i <= 5; i++) await store.append(result(`a${i}`))
      const old = (await current(store)).stream
      await store.fork(old, 5)
      for (let i = 1; i <= 3; i++) await store.append(result(`b${i}`))
      const labels: string[] = []
      let before: string | undefined
      for (;;) {
        const page = await store.list({ limit: 2, ...(before && { before }) })
        labels.push(
          ...page.map(({ body }) => (body.kind === 'result' && 'label' in body.answer ? body.answer.label : '')),
        )
        const last = page.at(-1)
        if (!last) break
        before = `${last.stream}/${last.seq}`
      }
      expect(labels).toEqual(['b3', 'b2', 'b1', 'a5', 'a4', 'a3', 'a2', 'a1'])
      expect(await store.list({ before: 'nonsense' })).toEqual([])
      expect(await store.list({ before: `${'a'.repeat(16)}/3` })).toEqual([])
      expect(await store.get('nonsense')).toBeUndefined()
    })

    it('shows results with what was said about them, however many other records lie between', async () => {
      const a = await store.append(result('a'))
      const b = await store.append(result('b'))
      const refA = `${a.stream}/${a.seq}`
      for (let i = 0; i < 12; i++) await store.append(correction(refA, `better-${i}`))
      await store.append(note(refA, 'seen twice'))
      await store.append(retract(`${b.stream}/${b.seq}`))
      const [second, first, ...rest] = await store.history({ limit: 3 })
      expect(rest).toEqual([])
      expect(first?.record).toEqual(a)
      expect(first?.changes.map(({ seq }) => seq)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
      expect(second?.record).toEqual(b)
      expect(second?.changes.map(({ body }) => body.kind)).toEqual(['retract'])
      expect(await store.list({ kind: 'note' })).toHaveLength(1)
    })

    it('moves its marks only on the hash that is its own, and never backwards', async () => {
      const one = await store.append(result('one'))
      const two = await store.append(result('two'))
      const { stream } = two
      expect(await store.acknowledge(stream, 2, one.hash, 'held')).toBe(false)
      expect(await store.acknowledge(stream, 3, two.hash, 'held')).toBe(false)
      expect(await store.acknowledge('a'.repeat(16), 0, EMPTY_HASH, 'held')).toBe(false)
      expect(await store.stateOf(one)).toBe('local')
      expect(await store.acknowledge(stream, 0, EMPTY_HASH, 'final')).toBe(true)
      expect(await store.acknowledge(stream, 2, two.hash, 'held')).toBe(true)
      expect(await store.acknowledge(stream, 1, one.hash, 'final')).toBe(true)
      expect([await store.stateOf(one), await store.stateOf(two)]).toEqual(['final', 'held'])
      expect(await store.acknowledge(stream, 1, one.hash, 'held')).toBe(true)
      expect(countRecords(await store.streams())).toEqual({ local: 0, held: 1, final: 1 })
      expect((await store.history()).map(({ state }) => state)).toEqual(['held', 'final'])
    })

    it('takes marks back only as far as the hub that lost lines could vouch for them', async () => {
      for (let i = 0; i < 6; i++) await store.append(result())
      const { stream } = await current(store)
      const hashAt = async (seq: number): Promise<string> => (await store.get(`${stream}/${seq}`))?.hash ?? ''
      await store.acknowledge(stream, 4, await hashAt(4), 'final')
      await store.acknowledge(stream, 6, await hashAt(6), 'held')
      await store.rewind(stream, 2, 'held')
      expect(await current(store)).toMatchObject({ held: 4, final: 4, tip: 6 })
      await store.rewind(stream, 2, 'final')
      expect(await current(store)).toMatchObject({ held: 2, final: 2, tip: 6 })
    })

    it('moves the lines after a fork into a new stream, with their origin, and what refers to them follows', async () => {
      const file = await photo(3)
      await store.append(result('shared'))
      const mine = await store.append(resultWith(file, 'mine'), [file])
      const old = mine.stream
      await store.append(correction(`${old}/1`, 'shared better'))
      const fix = await store.append(correction(`${old}/2`, 'mine better'))
      await store.append(correction(`${old}/2`, 'mine best', [`${old}/${fix.seq}`]))
      expect(await store.fork(old, 1)).toBe(4)

      const [before, after] = await store.streams()
      expect(before).toMatchObject({ stream: old, tip: 1 })
      expect(after).toMatchObject({ born: 2, tip: 4, held: 0 })
      const fresh = after?.stream ?? ''
      const moved = (await store.list({ limit: 4 })).reverse()
      let hash = EMPTY_HASH
      for (const { line } of moved) hash = await nextHash(hash, line)
      expect(after?.hash).toBe(hash)
      expect(moved.map(({ body }) => ('ref' in body ? body.ref : undefined))).toEqual([
        undefined,
        `${old}/1`,
        `${fresh}/1`,
        `${fresh}/1`,
      ])
      expect(moved[3]?.body).toMatchObject({ base: [`${fresh}/3`] })
      expect(moved[0]?.body).toMatchObject({
        answer: { label: 'mine' },
        origin: { id: `${old}/2`, hash: mine.hash },
      })
      expect(await store.get(`${old}/2`)).toBeUndefined()
      expect(await waiting(store)).toBe(1)
      // A page that was open over the fork still names the old number, which is somebody else's record now.
      await expect(store.append(note(`${old}/2`, 'late'))).rejects.toMatchObject({ code: 'log/unknown-record' })
      expect(await store.append(result())).toMatchObject({ stream: fresh, seq: 5 })
      // Once more in the new stream: the first origin stays.
      await store.fork(fresh, 0)
      expect((await store.list()).at(-2)?.body).toMatchObject({ origin: { id: `${old}/2` } })
      await expect(store.fork('a'.repeat(16), 0)).rejects.toMatchObject({ code: 'log/unknown-stream' })
    })

    it('moves the lines of an older fork behind the newest stream, and loses none that another tab writes meanwhile', async () => {
      for (let i = 0; i < 3; i++) await store.append(result(`old-${i}`))
      const { stream: old } = await current(store)
      await store.fork(old, 3)
      await store.append(result('new'))
      const other = await bench.open()
      await Promise.all([
        store.fork(old, 1),
        ...Array.from({ length: 10 }, (_, i) => other.append(result(`meanwhile-${i}`))),
      ])
      const streams = await store.streams()
      expect(streams).toHaveLength(2)
      expect(streams.map(({ tip }) => tip)).toEqual([1, 13])
      const labels = (await store.list()).map(({ body }) =>
        body.kind === 'result' && 'label' in body.answer ? body.answer.label : '',
      )
      expect(new Set(labels).size).toBe(14)
      other.close()
    })

    it('fails whole when the device is full in the middle of a fork', async () => {
      for (let i = 0; i < 3; i++) await store.append(result(`${i}`))
      const before = await store.streams()
      bench.failAfter(3)
      await expect(store.fork(before[0]?.stream ?? '', 1)).rejects.toMatchObject({ code: 'storage/quota' })
      bench.failAfter(-1)
      expect(await store.streams()).toEqual(before)
      expect(await store.list()).toHaveLength(3)
    })

    it('removes the text and the photo of an erased record, and the chain still verifies', async () => {
      const [file, shared] = [await photo(1), await photo(2)]
      const one = await store.append(
        result('secret', { attachments: [...resultWith(file).attachments, ...resultWith(shared).attachments] }),
        [file, shared],
      )
      const two = await store.append(resultWith(shared, 'other'))
      const id = `${one.stream}/${one.seq}`
      await store.erase(id, { at: one.body.at })
      expect(await store.get(id)).toBeUndefined()
      expect((await store.history()).map(({ record }) => record.seq)).toEqual([two.seq])
      expect(await store.attachment(file.sha256)).toBeUndefined()
      expect(await store.attachment(shared.sha256)).toBeDefined()
      expect((await store.waitingAttachments(9)).map(({ sha256 }) => sha256)).toEqual([shared.sha256])
      const sent = await store.lines(one.stream, 1, 9)
      const lineHash = await sha256Hex(utf8(one.line))
      expect([sent[0], sent[1]]).toEqual([[lineHash, 'erased'], two.line])
      expect(JSON.parse(String(sent[2]))).toMatchObject({ kind: 'erase', ref: id, hash: lineHash })
      let hash = EMPTY_HASH
      for (const line of sent) {
        hash = await nextHashOf(hash, typeof line === 'string' ? await sha256(utf8(line)) : fromHex(line[0]))
      }
      expect((await current(store)).hash).toBe(hash)
      expect(await store.hashAt(one.stream, 1)).toBe(one.hash)
      await expect(store.erase(id, { at: one.body.at })).rejects.toMatchObject({ code: 'log/unknown-record' })
    })

    it('puts a record in the place of another: what was said of it stays, its photo goes, in one transaction', async () => {
      const [face, tree] = [await photo(1), await photo(2)]
      const old = await store.append(resultWith(face, 'rust'), [face])
      const id = `${old.stream}/${old.seq}`
      const said = { ...correction(id, 'phoma'), patch: { label: 'phoma', 'form.tree': tree.sha256 } }
      const { attachments } = resultWith(tree)
      await store.append({ ...said, attachments } as RecordBody, [tree])
      await store.append(note(id, 'by the river'))
      const order = { at: old.body.at, clock: 7 }
      const next = result('rust', { faces: { hidden: 1, unkept: 'person' } })

      bench.failAfter(4)
      await expect(store.replace(id, next, order)).rejects.toMatchObject({ code: 'storage/quota' })
      bench.failAfter(-1)
      expect((await current(store)).tip).toBe(3)
      expect(await store.attachment(face.sha256)).toBeDefined()

      const placed = await store.replace(id, next, order)
      expect(placed).toMatchObject({ seq: 4, body: next })
      expect(await store.get(`${placed.stream}/4`)).toEqual(placed)
      const [item, ...others] = await store.history()
      expect(others).toEqual([])
      expect(item?.record.body).toEqual(next)
      expect(corrected(item?.changes ?? [])).toMatchObject({
        label: 'phoma',
        fields: { 'form.tree': tree.sha256 },
        notes: ['by the river'],
      })
      expect(await store.attachment(face.sha256)).toBeUndefined()
      expect(await store.attachment(tree.sha256)).toBeDefined()
      expect((await store.waitingAttachments(9)).map(({ sha256 }) => sha256)).toEqual([tree.sha256])
      // What goes home: three hashes, what took their place, and the orders for hubs that have them.
      const sent = await store.lines(old.stream, 1, 20)
      expect(sent.slice(0, 3).map((line) => typeof line)).toEqual(['object', 'object', 'object'])
      expect(sent.slice(3).map((line) => JSON.parse(String(line)).kind)).toEqual([
        ...['result', 'correction', 'note'],
        ...['erase', 'erase', 'erase'],
      ])
      expect(JSON.stringify(sent)).not.toContain(face.sha256)
      let hash = EMPTY_HASH
      for (const line of sent) {
        hash = await nextHashOf(hash, typeof line === 'string' ? await sha256(utf8(line)) : fromHex(line[0]))
      }
      expect((await current(store)).hash).toBe(hash)
      await expect(store.replace(id, next, order)).rejects.toMatchObject({ code: 'log/unknown-record' })
      await expect(store.replace('no id', next, order)).rejects.toMatchObject({ code: 'log/unknown-record' })
    })

    it('lays what others said over its records, knows how far, and heeds an order to erase that means this line', async () => {
      const one = await store.append(result('a'))
      const two = await store.append(result('b'))
      const other = 'z'.repeat(16)
      const refs = [one, two].map(({ stream, seq }) => `${stream}/${seq}`) as [string, string]
      const line = (body: RecordBody): string => JSON.stringify(body)
      const order = (hash: string): string => line({ ...retract(refs[1]), kind: 'erase', hash } as RecordBody)
      await store.learn([
        {
          stream: other,
          seq: 3,
          line: line({ ...correction(refs[0], 'better'), clock: 5_000_000_000_000 } as RecordBody),
        },
        { stream: other, seq: 4, line: order('0'.repeat(64)) },
        { stream: other, seq: 5, line: line(note(`${'y'.repeat(16)}/1`, 'of somebody else')) },
      ])
      expect(await store.known()).toEqual({ [one.stream]: { [other]: 4 } })
      expect((await store.history()).map(({ changes }) => changes.map(({ body }) => body.kind))).toEqual([
        ['erase'],
        ['correction'],
      ])
      expect(await store.list()).toHaveLength(2)
      expect(await store.tick(1000)).toBe(5_000_000_000_001)
      expect(await store.tick(1000)).toBe(5_000_000_000_002)
      await store.learn([{ stream: other, seq: 6, line: order(await sha256Hex(utf8(two.line))) }])
      expect((await store.history()).map(({ record }) => record.seq)).toEqual([1])
      expect(await (await bench.open()).known()).toEqual({ [one.stream]: { [other]: 6 } })
      await expect(store.learn([{ stream: other, seq: 7, line: '{}' }])).rejects.toMatchObject({
        code: 'log/bad-record',
      })
    })

    it('makes room only by what is final with its photos, oldest first, and what is left keeps the chain', async () => {
      const files = [await photo(1, 4000), await photo(2, 4000), await photo(3, 4000)] as const
      const at = (wall: number) => ({ at: { wall, mono: 1, session: 's', zone: 0 } })
      const records = []
      for (const [i, file] of files.entries())
        records.push(await store.append({ ...resultWith(file, `${i}`), ...at(i) }, [file]))
      const { stream } = await current(store)
      expect(await store.prune({})).toBe(0)
      await store.acknowledge(stream, 2, records[1]?.hash ?? '', 'final')
      // Final as a line, but the root does not have the photo yet.
      await store.attachmentHeld(files[0].sha256)
      expect(await store.prune({})).toBe(0)
      await store.attachmentsFinal([files[0].sha256, files[1].sha256, files[2].sha256])
      expect(await store.prune({ before: 0 })).toBe(0)
      expect(await store.prune({ bytes: 1 })).toBeGreaterThan(4000)
      expect((await store.list()).map(({ seq }) => seq)).toEqual([3, 2])
      expect(await store.attachment(files[0].sha256)).toBeUndefined()
      expect(await store.prune({ before: 5 })).toBeGreaterThan(4000)
      expect((await store.list()).map(({ seq }) => seq)).toEqual([3])
      expect(await current(store)).toMatchObject({ pruned: 2, tip: 3, final: 2 })
      const sent = await store.lines(stream, 1, 9)
      expect(sent.map((line) => (typeof line === 'string' ? 'text' : line[1]))).toEqual(['pruned', 'pruned', 'text'])
      expect(await store.append(result('next'))).toMatchObject({ seq: 4 })
      expect(await store.acknowledge(stream, 1, records[0]?.hash ?? '', 'held')).toBe(true)
    })

    it('sends previews first, remembers what some hub has, and forgets it once the root has it', async () => {
      const [full, preview] = [await photo(1), { ...(await photo(2)), preview: true }]
      await store.append(resultWith(full), [full])
      await store.append(resultWith(preview), [preview])
      const names = async (which?: 'previews') => (await store.waitingAttachments(9, which)).map(({ sha256 }) => sha256)
      expect(await names()).toEqual([preview.sha256, full.sha256])
      expect(await names('previews')).toEqual([preview.sha256])
      expect(await store.countAttachments()).toEqual({ previews: 1, full: 1, held: 0, unseen: 0 })
      await store.attachmentHeld(preview.sha256)
      expect([await names(), await store.heldAttachments(9)]).toEqual([[full.sha256], [preview.sha256]])
      expect(await store.attachmentWanted(preview.sha256)).toBe(true)
      expect(await names()).toEqual([preview.sha256, full.sha256])
      await store.attachmentsFinal([preview.sha256])
      expect(await store.attachmentWanted(preview.sha256)).toBe(false)
      expect(await store.attachmentWanted(preview.sha256, true)).toBe(true)
      expect(await store.attachment(preview.sha256)).toBeDefined()
    })

    describe('what somebody is to look at first', () => {
      const names = async (which?: 'unseen') => (await store.waitingAttachments(9, which)).map(({ sha256 }) => sha256)
      const at = (wall: number, mono: number, session: string) => ({ wall, mono, session, zone: 0 })
      const unseen = async (seed: number, more: { preview?: boolean } = {}) => ({
        ...(await photo(seed)),
        ...more,
        unseen: true,
      })

      it('is counted and not to be sent before that, also after a restart and when a hub asks; then in its old order', async () => {
        const [first, full, preview] = [await photo(1), await unseen(2), await unseen(3, { preview: true })]
        await store.append(resultWith(full), [full, preview])
        await store.append(resultWith(first), [first])
        expect(await store.attachmentWanted(full.sha256, true)).toBe(true)
        const again = await bench.open()
        expect(await again.countAttachments()).toEqual({ previews: 0, full: 1, held: 0, unseen: 2 })
        again.close()
        expect(await names()).toEqual([first.sha256])
        expect((await names('unseen')).sort()).toEqual([full.sha256, preview.sha256].sort())
        expect(await store.attachmentsSeen([full.sha256, preview.sha256, first.sha256, '0'.repeat(64)])).toBe(true)
        expect([await names(), await names('unseen')]).toEqual([[preview.sha256, full.sha256, first.sha256], []])
        expect(await store.attachmentsSeen([full.sha256])).toBe(false)
        expect(await store.countAttachments()).toEqual({ previews: 1, full: 2, held: 0, unseen: 0 })
      })

      it('is gone unsent with its record, whether that is erased or replaced', async () => {
        const [one, two] = [await unseen(1), await unseen(2)]
        const { stream, body } = await store.append(resultWith(one), [one])
        await store.append(resultWith(two), [two])
        await store.erase(`${stream}/1`, { at: body.at })
        await store.replace(`${stream}/2`, result(), { at: body.at })
        expect(await store.countAttachments()).toEqual({ previews: 0, full: 0, held: 0, unseen: 0 })
        expect([await store.attachment(one.sha256), await store.attachment(two.sha256)]).toEqual([undefined, undefined])
        // Whoever looked away just then has nothing to let go of.
        expect(await store.attachmentsSeen([one.sha256, two.sha256])).toBe(false)
        expect(await names()).toEqual([])
      })

      it('is sent where another record may send the very same photo, before it or after it', async () => {
        const [one, two] = [await unseen(1), await unseen(2)]
        await store.append(resultWith(one), [{ ...one, unseen: false }])
        await store.append(resultWith(one), [one])
        await store.append(resultWith(two), [two])
        expect(await names()).toEqual([one.sha256])
        await store.append(resultWith(two), [two])
        expect(await names()).toEqual([one.sha256])
        await store.append(resultWith(two), [{ ...two, unseen: false }])
        expect([await names(), await names('unseen')]).toEqual([[one.sha256, two.sha256], []])
      })

      it('goes by itself after six hours, by whichever clock can be believed', async () => {
        const hours = 3_600_000
        const file = await unseen(1)
        await store.append({ ...resultWith(file), at: at(1000 * hours, 5 * hours, 'now') }, [file])
        // The phone's clock was set right meanwhile: that is no time in which anybody could have looked.
        for (const early of [
          at(1005.9 * hours, 10.9 * hours, 'now'),
          at(9999 * hours, 10.9 * hours, 'now'),
          at(0, 5.1 * hours, 'now'),
          at(1005.9 * hours, 99 * hours, 'later'),
          at(994.1 * hours, 0, 'later'),
        ]) {
          await store.attachmentsDue(early)
          expect(await names()).toEqual([])
        }
        for (const [i, due] of [
          at(0, 11 * hours, 'now'),
          at(1006 * hours, 0, 'later'),
          // Its clock was years ahead, or went back: nothing waits for that.
          at(994 * hours, 0, 'later'),
          at(0, 0, 'later'),
        ].entries()) {
          const other = await unseen(i + 2)
          const { stream, seq } = await store.append({ ...resultWith(other), at: at(1000 * hours, 5 * hours, 'now') }, [
            other,
          ])
          await store.attachmentsDue(due)
          expect(await names('unseen')).toEqual([])
          await store.erase(`${stream}/${seq}`, { at: due })
        }
        expect(await names()).toEqual([file.sha256])
      })

      it('fails whole when the device is full, and is told of once', async () => {
        const [one, two] = [await unseen(1), await unseen(2)]
        await store.append(resultWith(one), [one, two])
        bench.failAfter(1)
        await expect(store.attachmentsSeen([one.sha256, two.sha256])).rejects.toMatchObject({ code: 'storage/quota' })
        bench.failAfter(-1)
        expect((await names('unseen')).sort()).toEqual([one.sha256, two.sha256].sort())
        let told = 0
        store.subscribe(() => {
          told += 1
        })
        await store.attachmentsSeen([one.sha256, two.sha256])
        await store.attachmentsSeen([one.sha256, two.sha256])
        await store.attachmentsDue(at(0, 0, 'later'))
        expect(told).toBe(1)
      })
    })

    it('remembers settings', async () => {
      expect(await store.getSetting('language')).toBeUndefined()
      await store.setSetting('language', { tag: 'sw' })
      const again = await bench.open()
      expect(await again.getSetting('language')).toEqual({ tag: 'sw' })
      again.close()
    })

    it('tells of every change, and a listener that fails harms nobody else', async () => {
      let told = 0
      const stop = store.subscribe(() => {
        told += 1
      })
      const file = await photo(4)
      const { stream, hash } = await store.append(resultWith(file), [file])
      await store.acknowledge(stream, 1, hash, 'held')
      await store.acknowledge(stream, 1, hash, 'held')
      await store.attachmentHeld(file.sha256)
      expect(told).toBe(3)
      stop()
      await store.append(result())
      expect(told).toBe(3)
    })

    it('says so when it was closed', async () => {
      store.close()
      await expect(store.append(result())).rejects.toMatchObject({ code: 'storage/closed' })
    })
  })
}

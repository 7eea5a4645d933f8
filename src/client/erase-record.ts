import { JikoError } from '../protocol/error.ts'
import { recordId } from '../protocol/log.ts'
import type { Moment, ResultBody } from '../protocol/record.ts'
import type { HistoryItem, RecordStore } from '../store/store.ts'

interface EraseDeps {
  store: RecordStore
  moment(): Moment
  changesOf(id: string): Promise<HistoryItem['changes']>
}

/** @see Kit.records.erase */
export async function eraseRecord(id: string, { store, moment, changesOf }: EraseDeps): Promise<void> {
  const own = new Set((await store.streams()).map(({ stream }) => stream))
  // What was said about it goes first: photos of a form are of the same person.
  const about = (await changesOf(id)).filter(({ stream, body }) => own.has(stream) && body.kind !== 'erase')
  for (const gone of [...about.map(({ stream, seq }) => recordId(stream, seq)), id]) {
    const at = moment()
    await store.erase(gone, { at, clock: await store.tick(at.wall) })
  }
}

/** A line cannot be changed: another one without the photo takes its place. @see Kit.records.removePhoto */
export async function removePhoto(id: string, { store, moment }: Omit<EraseDeps, 'changesOf'>): Promise<string> {
  const record = await store.get(id)
  if (record?.body.kind !== 'result') {
    throw new JikoError('log/unknown-record', `there is no answer ${id} to take a photo from: read the list again`)
  }
  const at = moment()
  const body: ResultBody = {
    ...record.body,
    attachments: record.body.attachments.filter(({ type }) => !type.startsWith('image/')),
    faces: { ...record.body.faces, unkept: 'person' },
  }
  const { stream, seq } = await store.replace(id, body, { at, clock: await store.tick(at.wall) })
  return recordId(stream, seq)
}

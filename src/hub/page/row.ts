import { type Headline, headlineOf } from '../../protocol/answer.ts'
import { recordId } from '../../protocol/log.ts'
import type { Attachment, Faces, RecordBody } from '../../protocol/record.ts'
import { parseRecord } from '../../protocol/record.ts'
import type { StoredLine } from '../store/store.ts'
import { goneOf, reasonOf } from '../verdict.ts'

/** One record as the page shows it. */
export interface Row {
  id: string
  title: string
  /** Percent, of a result. */
  score?: number
  sure?: boolean
  detail: string
  photo?: Attachment
  /** Why it is in quarantine. */
  reason?: string
  device: string
  receivedAt: number
  /** The phone's own clock and zone: shown as what it is, a claim. */
  taken?: { wall: number; zone: number }
}

/** Enough of a key to tell phones apart by eye; every P-256 point begins with the same byte, so the first characters say little. */
export const shortKey = (key: string): string => key.slice(-6)

/** Labels as they are called in the record, text as it is. */
const titleOf = ({ labels, text }: Headline): string =>
  [...labels.map(({ id, count }) => (count > 1 ? `${count} × ${id}` : id)), text.slice(0, 200)]
    .filter(Boolean)
    .join(', ') || 'nothing'

/** What became of faces in the photo, where they were to be hidden. */
function facesOf({ hidden = 0, unkept }: Faces = {}): string[] {
  if (unkept !== undefined) return [`no photo kept: ${unkept === 'person' ? 'a person saw a face in it' : unkept}`]
  return hidden > 0 ? [`faces hidden: ${hidden}`] : []
}

function describe(body: RecordBody): Pick<Row, 'title' | 'detail' | 'score' | 'sure' | 'photo'> {
  switch (body.kind) {
    case 'result': {
      const { answer, pack, attachments, faces } = body
      const photos = attachments.filter(({ type }) => type.startsWith('image/'))
      const headline = headlineOf(answer)
      const photo = photos.find(({ role }) => role === 'preview') ?? photos[0]
      return {
        title: titleOf(headline),
        ...(headline.score !== undefined && { score: Math.round(headline.score * 100) }),
        sure: headline.sure,
        detail: [`${pack.name} ${pack.version}`, ...facesOf(faces)].join(', '),
        ...(photo && { photo }),
      }
    }
    case 'lesson': {
      const { right, of } = body.estimate
      const names = body.labels.map(({ name }) => name).join(', ')
      return {
        title: `taught: ${body.title} (${names}; ${right} of ${of} right)`,
        detail: `${body.pack.name} on ${body.from.name}`,
      }
    }
    case 'correction':
      return { title: `correction: ${Object.values(body.patch).join(', ')}`, detail: `of ${body.ref}` }
    case 'retract':
      return { title: 'taken back', detail: body.ref }
    case 'erase':
      return { title: 'order to erase', detail: body.ref }
    case 'note':
      return { title: `note: ${body.text}`, detail: `on ${body.ref}` }
  }
}

export function toRow({ stream, seq, line, device, verdict, receivedAt }: StoredLine): Row {
  const common = { id: recordId(stream, seq), device: shortKey(device), receivedAt }
  const reason = reasonOf(verdict)
  if (reason !== undefined) return { ...common, title: 'in quarantine', detail: `“${line.slice(0, 120)}”`, reason }
  const gone = goneOf(verdict)
  if (gone)
    return { ...common, title: gone, detail: gone === 'erased' ? 'by order' : 'lost here, and gone from its phone' }
  const body = parseRecord(line)
  return { ...common, ...describe(body), taken: { wall: body.at.wall, zone: body.at.zone } }
}

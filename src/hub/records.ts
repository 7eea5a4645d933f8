import { utf8 } from '../lib/bytes.ts'
import { recordId } from '../protocol/log.ts'
import { parseWith } from '../protocol/parse.ts'
import { RecordId } from '../protocol/record.ts'
import type { HubStore, Place, StoredLine } from './store/store.ts'
import { ACCEPTED } from './verdict.ts'

const PAGE = 500

/** A quarantined line may be anything at all. */
function bodyOf({ line, verdict }: StoredLine): string {
  // The exact text: parsing and printing again would change numbers that JavaScript cannot hold.
  if (verdict === ACCEPTED) return line
  try {
    return JSON.stringify(JSON.parse(line))
  } catch {
    return 'null'
  }
}

/** One line of NDJSON: a `HubRecord`. */
export function formatRecord(stored: StoredLine): string {
  const { stream, seq, verdict, receivedAt } = stored
  const id = JSON.stringify(recordId(stream, seq))
  return `{"id":${id},"stream":"${stream}","seq":${seq},"body":${bodyOf(stored)},"verdict":${JSON.stringify(verdict)},"receivedAt":${receivedAt}}\n`
}

/** `?since=<receivedAt>/<id>` of the last line read gives those that came after it. */
export const formatPlace = ({ receivedAt, stream, seq }: Place): string => `${receivedAt}/${recordId(stream, seq)}`

/** @throws JikoError `hub/bad-request`. */
export function parsePlace(text: string): Place {
  const [, receivedAt, id] = /^(\d{1,15})\/(.+)$/.exec(text) ?? []
  const [stream = '', seq] = parseWith(
    RecordId,
    id,
    'hub/bad-request',
    'the place (as 1700000000000/abcdefghijklmnop/12)',
  ).split('/')
  return { receivedAt: Number(receivedAt), stream, seq: Number(seq) }
}

/** Everything that came in, in order of arrival, a page at a time: as much as the reader takes is read from the store. */
export function streamRecords(store: HubStore, program: string, since?: Place): ReadableStream<Uint8Array> {
  let place = since
  return new ReadableStream({
    async pull(controller) {
      const page = await store.records(program, { limit: PAGE, ...(place && { since: place }) })
      place = page.at(-1)
      if (page.length > 0) controller.enqueue(utf8(page.map(formatRecord).join('')))
      if (page.length < PAGE) controller.close()
    },
  })
}

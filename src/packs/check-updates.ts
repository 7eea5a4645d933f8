import { fromUtf8 } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import { type PackIndex, parsePackIndex } from '../protocol/pack-index.ts'
import { compareVersions } from './fetch-manifest.ts'
import { isPage, type Link, looksLikePage, openStream, portalError, readWhole, statusError } from './link.ts'
import { type NoteStore, readNote, refusedKey } from './notes.ts'

export type PackEntry = PackIndex['packs'][number]

export interface Checked {
  /** False when the server said that nothing changed since the last time, which costs under 1 KB. */
  changed: boolean
  offers: readonly PackEntry[]
}

/** An index longer than this is refused. */
export const MAX_INDEX_BYTES = 1 << 20
const KEY = 'index'

/**
 * Asks for the list of packs by one conditional request. Offline, `lastIndex` has what was seen last.
 * @throws JikoError `download/...`, `pack/bad-index`
 */
export async function checkIndex(url: string, link: Link, notes: NoteStore, signal?: AbortSignal): Promise<Checked> {
  const known = await readNote(notes, KEY, parseKnown)
  const last = known?.url === url ? known : undefined
  // Our own condition, not the HTTP cache's: its copy may be evicted, and its entry is not ours to count on.
  const headers: Record<string, string> = last ? { 'if-none-match': last.etag } : {}
  const incoming = await openStream(url, { headers, cache: 'no-store' }, link, signal)
  try {
    const { response } = incoming
    if (response.status === 304 && last) return { changed: false, offers: last.offers }
    if (response.ok && isPage(response)) throw portalError(url)
    if (response.status !== 200) throw statusError(url, response)
    const bytes = await readWhole(incoming, MAX_INDEX_BYTES)
    if (looksLikePage(bytes)) throw portalError(url)
    const text = decode(bytes)
    const { packs } = parsePackIndex(text)
    const etag = response.headers.get('etag')
    // Without an ETag there is nothing to ask by the next time, but the list is still worth having offline.
    await notes.putNote(KEY, JSON.stringify({ url, etag: etag ?? '""', text })).catch(() => undefined)
    return { changed: last === undefined || text !== last.text, offers: packs }
  } finally {
    incoming.close()
  }
}

/** The list of packs as last seen, for when there is no network. */
export async function lastIndex(url: string, notes: NoteStore): Promise<readonly PackEntry[]> {
  const known = await readNote(notes, KEY, parseKnown)
  return known?.url === url ? known.offers : []
}

/** Which offers are worth fetching by themselves: newer than what is installed, and not refused on this device before. */
export async function findUpdates(
  offers: readonly PackEntry[],
  installed: readonly { name: string; version: string; digest: string }[],
  notes: Pick<NoteStore, 'getNote'>,
): Promise<PackEntry[]> {
  const updates: PackEntry[] = []
  for (const offer of offers) {
    const mine = installed.find(({ name }) => name === offer.name)
    if (!mine || mine.digest === offer.digest || compareVersions(offer.version, mine.version) < 0) continue
    if ((await notes.getNote(refusedKey(offer.name))) !== offer.digest) updates.push(offer)
  }
  return updates
}

function parseKnown(value: unknown): { url: string; etag: string; text: string; offers: readonly PackEntry[] } {
  const { url, etag, text } = value as Record<string, unknown>
  if (typeof url !== 'string' || typeof etag !== 'string' || typeof text !== 'string') throw new TypeError('not a note')
  return { url, etag, text, offers: parsePackIndex(text).packs }
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new JikoError('pack/bad-index', 'The list of packs is not UTF-8 text.', { cause })
  }
}

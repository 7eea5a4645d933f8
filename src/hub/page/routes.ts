import type { BlobStore } from '../blob-store/blob-store.ts'
import { recentLosses } from '../losses.ts'
import { formatPlace, parsePlace } from '../records.ts'
import type { HubStore } from '../store/store.ts'
import { type PageData, renderPage } from './page.ts'
import { shortKey, toRow } from './row.ts'
import { STYLE } from './style.ts'

const ROWS = 50
const FORKS = 20
const LOSSES = 10

/** Nothing on this page runs, and only what this hub serves is shown. */
const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

export interface PageDeps {
  store: HubStore
  blobs: BlobStore
  level: PageData['level']
}

export function styleSheet(): Response {
  return new Response(STYLE, { headers: { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'no-cache' } })
}

/** Answers `/hub?program=&before=`. The caller has checked that the program exists and that the reader may read. */
export function createPage({ store, blobs, level }: PageDeps) {
  return async (program: string, beforeText: string | undefined): Promise<Response> => {
    const before = beforeText === undefined ? undefined : parsePlace(beforeText)
    const [programs, records, streams, forks, losses, newest] = await Promise.all([
      store.programs(),
      store.count(program),
      store.streams(program),
      store.forks(program, FORKS),
      recentLosses(store, program),
      store.newest(program, { limit: ROWS, ...(before && { before }) }),
    ])
    const finals = new Map(streams.map(({ stream, above }) => [stream, above.final]))
    const rows = await Promise.all(
      newest.map(async (line) => {
        const isFinal = level === 'final' || line.seq <= (finals.get(line.stream) ?? 0)
        const row = { ...toRow(line), level: isFinal ? ('final' as const) : level }
        return { ...row, photoIsHere: row.photo ? (await blobs.status(program, row.photo.sha256)).whole : false }
      }),
    )
    const last = newest.at(-1)
    const older =
      newest.length === ROWS && last ? new URLSearchParams({ program, before: formatPlace(last) }) : undefined
    const page = renderPage({
      program,
      programs,
      records,
      devices: new Set(streams.map(({ device }) => device)).size,
      level,
      rows,
      losses: losses.slice(0, LOSSES).map(({ device, ...loss }) => ({ ...loss, device: shortKey(device) })),
      forks: forks.map(({ stream, seq }) => `${stream}/${seq}`),
      ...(older && { older: `/hub?${older}` }),
    })
    return new Response(String(await page), {
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': POLICY,
      },
    })
  }
}

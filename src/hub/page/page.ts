import { html } from 'hono/html'
import { blobPath } from '../../protocol/hub.ts'
import type { Loss } from '../losses.ts'
import type { Row } from './row.ts'

export interface PageData {
  program: string
  programs: readonly string[]
  records: number
  devices: number
  /** What a record is here once it is stored. */
  level: 'held' | 'final'
  rows: readonly (Row & { photoIsHere: boolean; level: 'held' | 'final' })[]
  /** How many lines stand in two versions, at least. */
  forks: readonly string[]
  /** What phones said that their browsers had emptied, newest first. */
  losses: readonly Loss[]
  /** Address of the page with older records. */
  older?: string
}

const clock = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })

/** A phone may say any time at all, also one that no calendar has. */
function formatTime(milliseconds: number): string {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime()) ? 'an impossible time' : clock.format(date)
}

function isoTime(milliseconds: number): string {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString()
}

function photo({ photo, photoIsHere }: PageData['rows'][number], program: string) {
  if (!photo) return ''
  if (!photoIsHere) return html`<div class="photo">photo not here yet</div>`
  const address = blobPath(program, photo.sha256)
  return html`<a class="photo" href="${address}"><img src="${address}" alt="Photo of this record" width="104" height="104" loading="lazy" decoding="async"></a>`
}

function state({ reason, level }: PageData['rows'][number]) {
  if (reason !== undefined) return html`<p class="reason">Quarantine: ${reason}</p>`
  if (level === 'final') return html`<p class="state">Final</p>`
  return html`<p class="state held">Held here</p>`
}

function record(row: PageData['rows'][number], program: string) {
  const { id, title, detail, score, sure, device, receivedAt, reason, taken } = row
  return html`<li class="record ${reason === undefined ? '' : 'quarantine'}" data-id="${id}">
    ${photo(row, program)}
    <div class="about">
      <h3>${title} ${score === undefined ? '' : html`<span class="score">${score} %</span>`} ${sure === false ? html`<span class="unsure">not sure</span>` : ''}</h3>
      <p>${detail}, phone …${device}</p>
      ${taken ? html`<p>Taken ${formatTime(taken.wall + taken.zone * 60_000)} by the phone's clock</p>` : ''}
      <p>Came in <time datetime="${isoTime(receivedAt)}">${formatTime(receivedAt)} UTC</time></p>
      ${state(row)}
    </div>
  </li>`
}

const count = (number: number, one: string, many: string) => html`<b>${number}</b> ${number === 1 ? one : many}`

/** The page of what came in: plain HTML, every text escaped by `html`. */
export function renderPage(data: PageData) {
  const { program, programs, records, devices, rows, forks, losses, older } = data
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${program}: what came in | Jiko hub</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/hub/style.css">
</head>
<body>
<header><div>
  <h1><span>Jiko</span> hub: ${program}</h1>
  <p class="figures">${count(records, 'record', 'records')} of ${count(devices, 'phone', 'phones')}</p>
  <nav aria-label="Hub">
    <div class="programmes">${programs.map((name) => html`<a href="/hub?program=${name}" ${name === program ? html`aria-current="page"` : ''}>${name}</a>`)}</div>
    <a href="/v1/${program}/records">All records (NDJSON)</a>
    <a href="/">The app</a>
  </nav>
</div></header>
<main>
  ${forks.length === 0 ? '' : html`<h2>In two versions</h2><p class="divided">A cloned or restored phone wrote other lines where these stand; both are kept: ${forks.join(', ')}</p>`}
  ${losses.length === 0 ? '' : html`<h2>Emptied by their browser</h2><ul class="losses">${losses.map(({ device, at, what }) => html`<li>phone …${device}: ${what}, said ${formatTime(at)} UTC. What was only there is gone; ask who carries it.</li>`)}</ul>`}
  <h2>Newest first</h2>
  ${rows.length === 0 ? html`<p class="empty">Nothing came in yet. A phone sends when it has a network.</p>` : html`<ul class="records">${rows.map((row) => record(row, program))}</ul>`}
  ${older === undefined ? '' : html`<p><a class="older" href="${older}">Older records</a></p>`}
</main>
<footer>${data.level === 'final' ? 'Final: no hub stands above this one. ' : 'Held here: not yet known at the root, to which this hub passes everything on. '}This hub's own clock says UTC; a phone's clock may be wrong, and is never relied on.</footer>
</body>
</html>`
}

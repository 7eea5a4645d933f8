import { unzipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { csvField } from '../../../src/hub/export/csv.ts'
import { writeXlsx } from '../../../src/hub/export/xlsx.ts'
import { fromUtf8 } from '../../../src/lib/bytes.ts'
import { createFakePhone, photoOf, resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub } from '../../helpers/test-hub.ts'

const at = { wall: 1_790_000_000_000, mono: 1, session: 's', zone: 180 }
const FINDER = { name: 'face-finder', version: '1.0.0', digest: 'f'.repeat(64) }
const correctionOf = (ref: string, label: string, base: string[] = []): string =>
  JSON.stringify({ v: 1, kind: 'correction', at, ref, base, patch: { label } })

/** A hub with results that were corrected, disputed, taken back and erased, and one that says dangerous things. */
async function filledHub() {
  const hub = await createTestHub()
  const phone = await createFakePhone()
  const photo = await photoOf(new Uint8Array([1]))
  const place = { latitude: -1.28, longitude: 36.81, accuracy: 12 }
  const id = (seq: number): string => `${phone.stream}/${seq}`
  await phone.append(
    resultLine('rust', { attachments: [photo], place, faces: { hidden: 2, by: FINDER } }),
    resultLine('=HYPERLINK("http://evil.example")', { actor: '@SUM(A1)' }),
    resultLine('miner', { faces: { unkept: 'pack/absent' } }),
    resultLine('phoma'),
    'poison',
    resultLine('secret'),
    correctionOf(id(1), 'healthy'),
    JSON.stringify({ v: 1, kind: 'note', at, ref: id(1), text: 'naïve ☕, "quoted"\nsecond line' }),
    JSON.stringify({ v: 1, kind: 'retract', at, ref: id(4) }),
    correctionOf(id(3), 'rust'),
  )
  await hub.sync(phone, { from: 1 })
  // Somebody at the hub knows of none of it.
  await hub.say('default', { kind: 'correction', ref: id(3), patch: { label: 'miner' }, base: [] }, 'Juma')
  await hub.say('default', { kind: 'erase', ref: id(6) }, 'Juma')
  const get = async (format: string) => await hub.ask(`/v1/default/export/${format}`)
  return { hub, phone, photo, id, get }
}

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    if (quoted === undefined && plain === '' && end === '') break
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '\r\n') rows.push([])
  }
  return rows.slice(0, -1)
}

describe('an export', () => {
  it('as CSV says what was answered and what people say, and nothing in it is a formula', async () => {
    const { get, id, photo } = await filledHub()
    const response = await get('csv')
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="default.csv"')
    const bytes = new Uint8Array(await response.arrayBuffer())
    expect([...bytes.slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf])
    const [header = [], ...rows] = parseCsv(fromUtf8(bytes.slice(3)))
    const read = rows.map((row) => Object.fromEntries(header.map((name, i) => [name, row[i] ?? ''])))
    expect(read.map((row) => row.id)).toEqual([1, 2, 3, 4].map(id))
    expect(read[0]).toMatchObject({
      answer: 'rust',
      score: '0.93',
      sure: 'true',
      corrected: 'healthy',
      notes: 'naïve ☕, "quoted"\nsecond line',
      latitude: '-1.28',
      phone_says_at: '2026-09-21T14:13:20.000Z',
      attachments: photo.sha256,
      faces_hidden: '2',
      photo_not_kept: '',
      taken_back: 'false',
    })
    expect(read[1]).toMatchObject({ answer: '\'=HYPERLINK("http://evil.example")', actor: "'@SUM(A1)" })
    // The hub's word counts for more, and the other is not lost.
    expect(read[2]).toMatchObject({ faces_hidden: '', photo_not_kept: 'pack/absent' })
    expect(read[2]).toMatchObject({ corrected: 'miner', conflicting_corrections: 'miner | rust' })
    expect(read[3]).toMatchObject({ taken_back: 'true' })
    expect(fromUtf8(bytes)).not.toContain('secret')
  })

  it('as XLSX is a workbook whose text is text', async () => {
    const { get } = await filledHub()
    const parts = unzipSync(new Uint8Array(await (await get('xlsx')).arrayBuffer()))
    expect(Object.keys(parts).sort()).toEqual([
      '[Content_Types].xml',
      '_rels/.rels',
      'xl/_rels/workbook.xml.rels',
      'xl/workbook.xml',
      'xl/worksheets/sheet1.xml',
    ])
    const sheet = fromUtf8(parts['xl/worksheets/sheet1.xml'] as Uint8Array)
    expect(sheet.match(/<row>/g)).toHaveLength(5)
    expect(sheet).toContain(
      '<c t="inlineStr"><is><t xml:space="preserve">=HYPERLINK("http://evil.example")</t></is></c>',
    )
    expect(sheet).toContain('<c><v>0.93</v></c>')
    expect(sheet).not.toContain('<f>')
  })

  it('as XLSX goes on in another sheet when one is full, and writes nothing that XML cannot hold', async () => {
    async function* rows() {
      for (let i = 0; i < 1200; i++) yield [i, 'a\u0000<b>&\ud800', true]
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of writeXlsx(['n', 't', 'b'], rows(), 500)) chunks.push(chunk)
    expect(chunks.length).toBeGreaterThan(3)
    const parts = unzipSync(new Uint8Array(Buffer.concat(chunks)))
    const sheets = [1, 2, 3].map((n) => fromUtf8(parts[`xl/worksheets/sheet${n}.xml`] as Uint8Array))
    expect(sheets.map((sheet) => sheet.match(/<row>/g)?.length)).toEqual([500, 500, 203])
    expect(sheets[0]).toContain('>a\ufffd&lt;b&gt;&amp;\ufffd</t>')
    expect(fromUtf8(parts['xl/workbook.xml'] as Uint8Array).match(/<sheet /g)).toHaveLength(3)
  })

  it('as GeoJSON has a feature for each result, with a point where a place is known', async () => {
    const { get, id } = await filledHub()
    const { type, features } = JSON.parse(await (await get('geojson')).text())
    expect(type).toBe('FeatureCollection')
    expect(features.map((feature: { id: string }) => feature.id)).toEqual([1, 2, 3, 4].map(id))
    expect(features[0]).toMatchObject({
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [36.81, -1.28] },
      properties: { corrected: 'healthy' },
    })
    expect(features[1].geometry).toBeNull()
    const empty = await createTestHub()
    expect(JSON.parse(await (await empty.ask('/v1/default/export/geojson')).text()).features).toEqual([])
  })

  it('as labels closes the loop: what the model said, what people say, what it was made from', async () => {
    const { get, id, photo } = await filledHub()
    const lines = (await (await get('labels')).text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map((line) => [line.id, line.label])).toEqual([
      [id(1), 'healthy'],
      [id(2), null],
      [id(3), null],
    ])
    expect(lines[0]).toMatchObject({
      inputs: [{ sha256: photo.sha256, type: 'image/jpeg' }],
      prediction: { answer: { label: 'rust' }, sure: true },
      model: { name: 'coffee-leaf', version: '1.0.0', digest: 'a'.repeat(64), variant: 'int8' },
    })
    expect(lines[2].disputed).toEqual(['miner', 'rust'])
  })

  it('is for readers, of programs that are there, in a format that is one', async () => {
    const { hub } = await filledHub()
    const far = new Request('http://localhost:8080/v1/default/export/csv')
    expect((await hub.fetch(far, { remoteAddress: '192.168.1.20' })).status).toBe(403)
    for (const path of ['/v1/tea/export/csv', '/v1/default/export/doc', '/v1/default/export/constructor']) {
      expect((await hub.ask(path)).status).toBe(404)
    }
  })

  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@a', "'@a"],
    ['\ta', "'\ta"],
    ['\ra', '"\'\ra"'],
    ['a=b', 'a=b'],
    ['a,b', '"a,b"'],
    ['a"b', '"a""b"'],
    [-1, '-1'],
    [undefined, ''],
    [true, 'true'],
  ])('writes %j as %j', (cell, expected) => {
    expect(csvField(cell)).toBe(expected)
  })
})

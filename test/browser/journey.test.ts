import { readFile } from 'node:fs/promises'
import { crc32, deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  allIn,
  ask,
  askInVain,
  complete,
  controlled,
  createField,
  type Field,
  history,
  installPack,
  type Shown,
  sample,
  sendNow,
} from '../helpers/field-app.ts'

/** A valid PNG of one colour, of any size: rows of zeros compress to nearly nothing. */
function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data])
    const out = Buffer.alloc(body.length + 8)
    out.writeUInt32BE(data.length)
    body.copy(out, 4)
    out.writeUInt32BE(crc32(body), body.length + 4)
    return out
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 0], 8)
  const rows = deflateSync(Buffer.alloc((width + 1) * height), { level: 1 })
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** Told in order: each step begins where the one before it ended, as a week in the field does. */
describe('a field worker’s week', () => {
  let field: Field
  let online: Shown
  const asked = { photos: 0 }

  beforeAll(async () => {
    field = await createField()
  })
  afterAll(() => field?.close())

  it('first visit: installs the pack, gets an answer, and it comes home', async () => {
    const { page, hub } = field
    await controlled(page)
    await installPack(page)
    online = await ask(page, sample('rust-121.jpg'))
    asked.photos += 1
    expect(online.score).toBeGreaterThan(0.2)
    await allIn(page, 'final', asked.photos)
    const records = await hub.records()
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({
      verdict: 'ok',
      body: { kind: 'result', answer: { label: online.label }, pack: { name: 'coffee-leaf' } },
    })
  })

  it('fetched nothing twice, and no third party was asked', async () => {
    const counts = new Map<string, number>()
    for (const { path } of field.network.seen) counts.set(path, (counts.get(path) ?? 0) + 1)
    const heavy = [...counts].filter(([path]) => /\.(wasm|mjs|bin)$/.test(path))
    expect(heavy.filter(([path]) => path.endsWith('.bin'))).toHaveLength(1)
    expect(heavy.filter(([, count]) => count > 1)).toEqual([])
  })

  it('hub switched off, page reloaded: the same photo gets the same answer, saved', async () => {
    const { page, network } = field
    // Every screen is here by then, as after any first visit that ends well.
    await complete(page)
    await network.cut()
    await page.reload()
    expect(await ask(page, sample('rust-121.jpg'))).toEqual(online)
    asked.photos += 1
    const rows = await history(page)
    expect(rows.map(({ state }) => state)).toEqual(['local', 'final'])
  })

  it.each([
    ['error-500', 'an error'],
    ['captive-portal', 'a captive portal that answers 200'],
  ] as const)('%s: loses nothing and claims nothing', async (weather, _) => {
    const { page, network, hub } = field
    network.weather = weather
    await network.restore()
    await sendNow(page)
    await page.waitForSelector('[data-testid="send-now"]:not([disabled])')
    expect((await history(page)).map(({ state }) => state)).toEqual(['local', 'final'])
    expect(await hub.records()).toHaveLength(1)
    await network.cut()
    network.weather = 'fine'
  })

  it('browser killed between save and send, hub back: the answer arrives exactly once', async () => {
    const { network, hub } = field
    await ask(field.page, sample('healthy-1.jpg'))
    asked.photos += 1
    await network.restore()
    await field.killAndReopen()
    await sendNow(field.page)
    await allIn(field.page, 'final', asked.photos)
    const records = await hub.records()
    expect(records.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(new Set(records.map(({ stream }) => stream)).size).toBe(1)
  })

  it.each([
    [
      'a text file',
      { name: 'notes.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('just some words') },
      'input/not-an-image',
    ],
    ['one pixel', { name: 'dot.png', mimeType: 'image/png', buffer: png(1, 1) }, 'input/too-small'],
    ['100 megapixels', { name: 'huge.png', mimeType: 'image/png', buffer: png(12_500, 8_000) }, 'input/too-large'],
    [
      'a photo cut in half',
      { name: 'half.png', mimeType: 'image/png', buffer: png(600, 400).subarray(0, 60) },
      'input/not-an-image',
    ],
  ])('says clearly what is wrong with %s, and goes on', async (_, photo, code) => {
    expect(await askInVain(field.page, photo)).toBe(code)
    expect(await field.page.getByTestId('failure').textContent()).toMatch(/\w+ \w+ \w+/)
    expect(await history(field.page)).toHaveLength(asked.photos)
  })

  it('reads the photo at the hub as it was taken', async () => {
    const [first] = await field.hub.records()
    const body = first?.body as { attachments: { sha256: string; bytes: number; role: string }[] } | undefined
    const input = body?.attachments.find(({ role }) => role === 'input')
    const response = await fetch(`${field.hub.url}/v1/default/blobs/sha256-${input?.sha256}`)
    expect(response.status).toBe(200)
    expect((await response.arrayBuffer()).byteLength).toBe(input?.bytes)
  })
})

describe('a photo that says where it was taken', () => {
  let field: Field
  beforeAll(async () => {
    field = await createField()
  })
  afterAll(() => field?.close())

  it('is kept and sent without the place', async () => {
    const { page, hub } = field
    await installPack(page)
    const plain = await readFile(sample('rust-121.jpg'))
    const exif = Buffer.from('Exif\0\0MM\0*\0\0\0\b\0\0\0\0\0\0 GPS: 1.2921 S, 36.8219 E', 'latin1')
    const length = Buffer.alloc(2)
    length.writeUInt16BE(exif.length + 2)
    const buffer = Buffer.concat([plain.subarray(0, 2), Buffer.from([0xff, 0xe1]), length, exif, plain.subarray(2)])
    expect((await ask(page, { name: 'leaf.jpg', mimeType: 'image/jpeg', buffer })).label).toBe('rust')
    await allIn(page, 'final', 1)
    await expect.poll(() => sentPhoto(hub)).toBeInstanceOf(Buffer)
    const sent = (await sentPhoto(hub)) as Buffer
    expect(sent.subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]))
    expect(sent.includes('GPS')).toBe(false)
    expect(sent.includes('Exif')).toBe(false)
  })
})

/** The photo of the first record as the hub has it, once it is whole. */
async function sentPhoto(hub: Field['hub']): Promise<Buffer | undefined> {
  const [first] = await hub.records()
  const body = first?.body as { attachments: { sha256: string; role: string }[] } | undefined
  const input = body?.attachments.find(({ role }) => role === 'input')
  const response = await fetch(`${hub.url}/v1/default/blobs/sha256-${input?.sha256}`)
  return response.ok ? Buffer.from(await response.arrayBuffer()) : undefined
}

describe('a corrupt chunk', () => {
  let field: Field
  beforeAll(async () => {
    field = await createField()
  })
  afterAll(() => field?.close())

  it('is refused on the way in, and only it is fetched again', async () => {
    const { page, network } = field
    let spoilt = 0
    network.corrupt = (path, body) => {
      if (!path.endsWith('.bin') || spoilt > 0) return undefined
      spoilt += 1
      const changed = Buffer.from(body)
      changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1
      return changed
    }
    await installPack(page)
    expect(spoilt).toBe(1)
    const [whole = 0, ...again] = network.seen.filter(({ path }) => path.endsWith('.bin')).map(({ bytes }) => bytes)
    expect(again.length).toBeGreaterThan(0)
    expect(again.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(whole)
    expect((await ask(page, sample('rust-121.jpg'))).label).not.toBe('')
  })

  it('is noticed when the phone’s own storage spoilt it, and repaired by fetching just that', async () => {
    const { page, network } = field
    const spoilt = await page.evaluate(async () => {
      const cache = await caches.open('jiko-chunks-v1')
      const keys = (await cache.keys()).filter(({ url }) => url.includes('/.chunks/'))
      const key = keys[0]
      if (!key) return undefined
      const length = (await (await cache.match(key))?.arrayBuffer())?.byteLength ?? 0
      await cache.put(key, new Response(new Uint8Array(length)))
      return length
    })
    network.seen.length = 0
    await page.reload()
    expect((await ask(page, sample('rust-121.jpg'))).label).not.toBe('')
    const refetched = network.seen.filter(({ path }) => path.endsWith('.bin')).map(({ bytes }) => bytes)
    expect(refetched).toEqual([spoilt])
  })
})

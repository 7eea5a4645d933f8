import { describe, expect, it } from 'vitest'
import { createMemoryBlobs } from '../../../src/hub/blob-store/memory.ts'
import { type Bytes, randomBytes, utf8 } from '../../../src/lib/bytes.ts'
import { MAX_BLOB_BYTES, UPLOAD_COMPLETE_HEADER, UPLOAD_OFFSET_HEADER } from '../../../src/protocol/hub.ts'
import { createFakePhone, photoOf, resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub, ORIGIN } from '../../helpers/test-hub.ts'

const FAR = { remoteAddress: '192.168.1.20' }

/** A hub that has a record naming the photo. */
async function waitingFor(photo: Bytes, type = 'image/jpeg') {
  const blobs = createMemoryBlobs()
  const hub = await createTestHub({ blobs })
  const phone = await createFakePhone()
  const attachment = { ...(await photoOf(photo)), type }
  await phone.append(resultLine('rust', { attachments: [attachment] }))
  await hub.sync(phone, { from: 1 })
  const { sha256 } = attachment
  const path = `/v1/default/blobs/sha256-${sha256}`
  return {
    hub,
    phone,
    sha256,
    path,
    blobs,
    head: async () => hub.fetch(await phone.blobHead(sha256, ORIGIN), FAR),
    patch: async (piece: Bytes, options?: Parameters<typeof phone.patch>[3]) =>
      hub.fetch(await phone.patch(sha256, piece, ORIGIN, options), FAR),
  }
}

const state = ({ status, headers }: Response) => [
  status,
  headers.get(UPLOAD_OFFSET_HEADER),
  headers.get(UPLOAD_COMPLETE_HEADER),
]

/** The same request with a body of which the test says when it comes and how it ends. */
function withBody(request: Request, body: ReadableStream): Request {
  const init = { method: 'PATCH', headers: request.headers, body, duplex: 'half' }
  return new Request(request.url, init)
}

const codeOf = async (response: Response) => [response.status, (await response.json()).error.code]

describe('sending an attachment', () => {
  const photo = utf8('the bytes of a photo of a leaf')

  it('in one piece', async () => {
    const { hub, phone, sha256, path, head, patch } = await waitingFor(photo)
    expect(state(await head())).toEqual([200, '0', '?0'])
    expect(state(await patch(photo))).toEqual([201, String(photo.length), '?1'])
    expect(state(await head())).toEqual([200, String(photo.length), '?1'])
    expect((await hub.sync(phone)).blobs).toEqual([])
    const shown = await hub.ask(path)
    expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'image/jpeg'])
    expect(await shown.text()).toBe('the bytes of a photo of a leaf')
    expect((await hub.ask(path, { headers: { 'if-none-match': `"${sha256}"` } })).status).toBe(304)
  })

  it('in pieces, each from where the last one ended', async () => {
    const { hub, path, head, patch } = await waitingFor(photo)
    expect(state(await patch(photo.slice(0, 10), { complete: false }))).toEqual([204, '10', '?0'])
    expect((await hub.ask(path)).status).toBe(404)
    expect(state(await head())).toEqual([200, '10', '?0'])
    expect(state(await patch(photo.slice(10, 20), { offset: 10, complete: false }))).toEqual([204, '20', '?0'])
    expect(state(await patch(photo.slice(20), { offset: 20 }))).toEqual([201, '30', '?1'])
  })

  it('again, when the answer was lost: the right place is told, a whole one stays whole', async () => {
    const { head, patch } = await waitingFor(photo)
    await patch(photo.slice(0, 10), { complete: false })
    const repeated = await patch(photo.slice(0, 10), { complete: false })
    expect(state(repeated)).toEqual([409, '10', null])
    expect((await repeated.json()).error.code).toBe('hub/wrong-offset')
    expect(state(await patch(photo.slice(15), { offset: 15 }))).toEqual([409, '10', null])
    await patch(photo.slice(10), { offset: 10 })
    expect(state(await patch(photo.slice(10), { offset: 10 }))).toEqual([201, '30', '?1'])
    expect(state(await patch(photo))).toEqual([201, '30', '?1'])
    expect(state(await head())).toEqual([200, '30', '?1'])
  })

  it('finishes with nothing more to send', async () => {
    const { patch } = await waitingFor(photo)
    await patch(photo, { complete: false })
    expect(state(await patch(new Uint8Array(0), { offset: 30 }))).toEqual([201, '30', '?1'])
  })

  it('keeps what came before the connection broke', async () => {
    const { hub, phone, sha256, head, patch } = await waitingFor(photo)
    const whole = await phone.patch(sha256, photo, ORIGIN)
    const broken = new ReadableStream({
      start: (controller) => controller.enqueue(photo.slice(0, 12)),
      pull: (controller) => controller.error(new Error('connection lost')),
    })
    const request = withBody(whole, broken)
    expect(await codeOf(await hub.fetch(request, FAR))).toEqual([400, 'hub/cut-off'])
    expect(state(await head())).toEqual([200, '12', '?0'])
    expect(state(await patch(photo.slice(12), { offset: 12 }))).toEqual([201, '30', '?1'])
  })

  it('does not wait for a connection that hangs: the phone that comes back takes over', async () => {
    const { hub, phone, sha256, head, patch, blobs } = await waitingFor(photo)
    const whole = await phone.patch(sha256, photo, ORIGIN)
    const hanging = new ReadableStream({ start: (controller) => controller.enqueue(photo.slice(0, 12)) })
    const request = withBody(whole, hanging)
    const first = Promise.resolve(hub.fetch(request, FAR))
    await expect.poll(() => blobs.status('default', sha256)).toMatchObject({ bytes: 12 })
    expect(state(await head())).toEqual([200, '12', '?0'])
    expect((await first).status).toBe(503)
    expect(state(await patch(photo.slice(12), { offset: 12 }))).toEqual([201, '30', '?1'])
  })

  it('arrives when every connection dies after 8 KB, with little sent twice', async () => {
    const large = randomBytes(60_000)
    const { hub, phone, sha256, head } = await waitingFor(large)
    let sent = 0
    for (let tries = 0; tries < 50; tries++) {
      const at = Number((await head()).headers.get(UPLOAD_OFFSET_HEADER))
      const rest = await phone.patch(sha256, large.slice(at), ORIGIN, { offset: at })
      const piece = large.slice(at, at + 8192)
      sent += piece.length
      const dying = new ReadableStream({
        start: (controller) => controller.enqueue(piece),
        pull: (controller) =>
          at + piece.length < large.length ? controller.error(new Error('died')) : controller.close(),
      })
      const request = withBody(rest, dying)
      if ((await hub.fetch(request, FAR)).status === 201) break
    }
    expect(state(await head())).toEqual([200, '60000', '?1'])
    expect(sent).toBe(60_000)
  })

  it('is noted when a hub died between the file and the note', async () => {
    const { hub, phone, sha256, head, blobs } = await waitingFor(photo)
    await blobs.append('default', sha256, 0, photo)
    await blobs.finish('default', sha256)
    expect((await hub.sync(phone)).blobs).toEqual([sha256])
    expect(state(await head())).toEqual([200, '30', '?1'])
    expect((await hub.sync(phone)).blobs).toEqual([])
  })
})

describe('an attachment that is refused', () => {
  const photo = utf8('the bytes of a photo of a leaf')

  it('has another hash than its name: all of it is dropped', async () => {
    const { head, patch } = await waitingFor(photo)
    expect(await codeOf(await patch(utf8('something else altogether')))).toEqual([422, 'hub/hash-mismatch'])
    expect(state(await head())).toEqual([200, '0', '?0'])
    expect(state(await patch(photo))).toEqual([201, '30', '?1'])
  })

  it('has a piece that is not what its digest says: that piece is taken back', async () => {
    const { phone, hub, sha256, head, patch } = await waitingFor(photo)
    await patch(photo.slice(0, 10), { complete: false })
    const good = await phone.patch(sha256, photo.slice(10), ORIGIN, { offset: 10 })
    const forged = new Request(good.url, { method: 'PATCH', headers: good.headers, body: utf8('xxxxxxxxxxxxxxxxxxxx') })
    expect(await codeOf(await hub.fetch(forged, FAR))).toEqual([400, 'hub/bad-request'])
    expect(state(await head())).toEqual([200, '10', '?0'])
  })

  it('is named by no record, or by one in quarantine', async () => {
    const { hub, phone } = await waitingFor(photo)
    const { sha256 } = await photoOf(utf8('never heard of'))
    expect(await codeOf(await hub.fetch(await phone.patch(sha256, photo, ORIGIN), FAR))).toEqual([404, 'hub/no-blob'])
    expect((await hub.fetch(await phone.blobHead(sha256, ORIGIN), FAR)).status).toBe(404)
  })

  it('comes from a device that never synced, or is revoked', async () => {
    const { hub, sha256, phone, patch } = await waitingFor(photo)
    const stranger = await createFakePhone()
    const strange = await hub.fetch(await stranger.patch(sha256, photo, ORIGIN), FAR)
    expect(await codeOf(strange)).toEqual([403, 'hub/unknown-device'])
    await hub.store.revokeDevice('default', phone.key, 1)
    expect(await codeOf(await patch(photo))).toEqual([403, 'hub/revoked'])
  })

  it('is signed for another place, or not at all', async () => {
    const { hub, phone, sha256, patch } = await waitingFor(photo)
    expect(await codeOf(await patch(photo, { signature: 'A'.repeat(86) }))).toEqual([401, 'hub/bad-signature'])
    const moved = await phone.patch(sha256, photo.slice(5), ORIGIN, { offset: 5 })
    moved.headers.set(UPLOAD_OFFSET_HEADER, '0')
    expect(await codeOf(await hub.fetch(moved, FAR))).toEqual([401, 'hub/bad-signature'])
    const bare = await phone.patch(sha256, photo, ORIGIN)
    bare.headers.delete('jiko-signature')
    expect(await codeOf(await hub.fetch(bare, FAR))).toEqual([401, 'hub/unsigned'])
    expect((await hub.ask(`/v1/default/blobs/sha256-${sha256}`, { method: 'HEAD' })).status).toBe(401)
  })

  it.each([
    [UPLOAD_OFFSET_HEADER, '-1'],
    [UPLOAD_OFFSET_HEADER, '1e3'],
    [UPLOAD_OFFSET_HEADER, ''],
    [UPLOAD_COMPLETE_HEADER, '1'],
    [UPLOAD_COMPLETE_HEADER, '?2'],
    ['content-digest', 'md5=:AAAA:'],
    ['content-digest', 'sha-256=:AAAA:'],
  ])('says %s: %s', async (name, value) => {
    const { hub, phone, sha256 } = await waitingFor(photo)
    const request = await phone.patch(sha256, photo, ORIGIN)
    request.headers.set(name, value)
    expect(await codeOf(await hub.fetch(request, FAR))).toEqual([400, 'hub/bad-request'])
  })

  it('is larger than any may be', async () => {
    const large = new Uint8Array(MAX_BLOB_BYTES + 1)
    const { head, patch } = await waitingFor(large)
    expect(await codeOf(await patch(large))).toEqual([413, 'hub/too-large'])
    expect(state(await head())).toEqual([200, '0', '?0'])
  })

  it.each([
    'sha256-ab',
    'sha1-abc',
    `sha256-${'A'.repeat(64)}`,
    '..%2f..%2fetc%2fpasswd',
    `sha256-${'a'.repeat(64)}%2f..`,
  ])('is named %s', async (name) => {
    const hub = await createTestHub()
    const response = await hub.ask(`/v1/default/blobs/${name}`)
    expect(response.status).toBe(404)
    expect((await response.json()).error.code).toBe('hub/not-found')
  })
})

describe('reading an attachment', () => {
  it('is for this machine only', async () => {
    const { hub, path, patch } = await waitingFor(utf8('leaf'))
    await patch(utf8('leaf'))
    const far = await hub.fetch(new Request(ORIGIN + path), FAR)
    expect(await codeOf(far)).toEqual([403, 'hub/not-a-reader'])
  })

  it.each(['image/svg+xml', 'text/html', 'application/x-evil'])(
    'never shows a %s as what it says it is',
    async (type) => {
      const { hub, path, patch } = await waitingFor(utf8('<script>alert(1)</script>'), type)
      await patch(utf8('<script>alert(1)</script>'))
      const { headers } = await hub.ask(path)
      expect(headers.get('content-type')).toBe('application/octet-stream')
      expect(headers.get('content-disposition')).toBe('attachment')
      expect(headers.get('content-security-policy')).toContain('sandbox')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    },
  )
})

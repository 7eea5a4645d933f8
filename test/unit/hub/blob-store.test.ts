import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { BlobStore } from '../../../src/hub/blob-store/blob-store.ts'
import { createDiskBlobs } from '../../../src/hub/blob-store/disk.ts'
import { createMemoryBlobs } from '../../../src/hub/blob-store/memory.ts'
import { createS3Blobs } from '../../../src/hub/blob-store/s3.ts'
import { createS3Client, parseBucket } from '../../../src/hub/blob-store/s3-client.ts'
import { utf8 } from '../../../src/lib/bytes.ts'
import { sha256Hex } from '../../../src/lib/sha256.ts'
import { BUCKET, KEYS, startS3 } from '../../helpers/s3-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'jiko-hub-blobs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let folders = 0
const s3 = await startS3()
afterAll(() => s3.stop())
const newFolder = (): string => join(folder, `${folders++}`)

async function textOf(blobs: BlobStore, program: string, sha256: string): Promise<string | undefined> {
  const blob = await blobs.read(program, sha256)
  return blob && (await new Response(blob.stream()).text())
}

describe.each([
  ['memory', () => createMemoryBlobs()],
  ['disk', () => createDiskBlobs(newFolder())],
  ['S3', () => createS3Blobs(createS3Client({ ...s3, ...KEYS, bucket: BUCKET, prefix: `hub-${folders++}/` }))],
])('blob store: %s', (_, open) => {
  const photo = utf8('a photo of a leaf')

  it('puts pieces together and shows them only when the hash is right', async () => {
    const blobs = open()
    const name = await sha256Hex(photo)
    expect(await blobs.status('default', name)).toEqual({ bytes: 0, whole: false })
    await blobs.append('default', name, 0, photo.slice(0, 5))
    expect(await blobs.status('default', name)).toEqual({ bytes: 5, whole: false })
    expect(await blobs.read('default', name)).toBeUndefined()
    await blobs.append('default', name, 5, photo.slice(5))
    expect(await blobs.finish('default', name)).toBe(true)
    expect(await blobs.finish('default', name)).toBe(true)
    expect(await blobs.status('default', name)).toEqual({ bytes: photo.length, whole: true })
    expect((await blobs.read('default', name))?.bytes).toBe(photo.length)
    expect(await textOf(blobs, 'default', name)).toBe('a photo of a leaf')
  })

  it('keeps programs apart', async () => {
    const blobs = open()
    const name = await sha256Hex(photo)
    await blobs.append('default', name, 0, photo)
    await blobs.finish('default', name)
    expect(await blobs.status('coffee', name)).toEqual({ bytes: 0, whole: false })
    expect(await blobs.read('coffee', name)).toBeUndefined()
  })

  it('refuses a piece anywhere but at the end', async () => {
    const blobs = open()
    const name = await sha256Hex(photo)
    await blobs.append('default', name, 0, photo.slice(0, 5))
    for (const offset of [0, 4, 6]) {
      await expect(blobs.append('default', name, offset, photo)).rejects.toMatchObject({
        code: 'hub/wrong-offset',
        detail: { offset: 5 },
      })
    }
    expect(await blobs.status('default', name)).toEqual({ bytes: 5, whole: false })
  })

  it('drops what is not what its name says', async () => {
    const blobs = open()
    const name = await sha256Hex(photo)
    await blobs.append('default', name, 0, utf8('another thing'))
    expect(await blobs.finish('default', name)).toBe(false)
    expect(await blobs.status('default', name)).toEqual({ bytes: 0, whole: false })
    expect(await blobs.finish('default', name)).toBe(false)
  })

  it('shortens a partial, never a whole', async () => {
    const blobs = open()
    const name = await sha256Hex(photo)
    await blobs.truncate('default', name, 3)
    await blobs.append('default', name, 0, photo)
    await blobs.truncate('default', name, 3)
    expect(await blobs.status('default', name)).toEqual({ bytes: 3, whole: false })
    await blobs.truncate('default', name, 0)
    expect(await blobs.status('default', name)).toEqual({ bytes: 0, whole: false })
    await blobs.append('default', name, 0, photo)
    await blobs.finish('default', name)
    await blobs.truncate('default', name, 0)
    expect(await textOf(blobs, 'default', name)).toBe('a photo of a leaf')
  })

  it('removes a whole one, a half one, and one that is not there', async () => {
    const blobs = open()
    const [whole, half] = [await sha256Hex(photo), 'ab'.repeat(32)]
    await blobs.append('default', whole, 0, photo)
    await blobs.finish('default', whole)
    await blobs.append('default', half, 0, photo.slice(0, 2))
    for (const sha256 of [whole, half, '00'.repeat(32)]) {
      await blobs.remove('default', sha256)
      expect(await blobs.status('default', sha256)).toEqual({ bytes: 0, whole: false })
    }
  })

  it('drops partials that were left alone, nothing else', async () => {
    const blobs = open()
    const [half, whole] = await Promise.all([photo, utf8('whole')].map(sha256Hex))
    expect(await blobs.dropPartials(Date.now() + 60_000)).toBe(0)
    await blobs.append('default', half ?? '', 0, photo.slice(0, 5))
    await blobs.append('default', whole ?? '', 0, utf8('whole'))
    await blobs.finish('default', whole ?? '')
    expect(await blobs.dropPartials(Date.now() - 60_000)).toBe(0)
    expect(await blobs.status('default', half ?? '')).toEqual({ bytes: 5, whole: false })
    expect(await blobs.dropPartials(Date.now() + 60_000)).toBe(1)
    expect(await blobs.status('default', half ?? '')).toEqual({ bytes: 0, whole: false })
    expect(await textOf(blobs, 'default', whole ?? '')).toBe('whole')
  })

  it('takes an attachment of no bytes', async () => {
    const blobs = open()
    const name = await sha256Hex(new Uint8Array(0))
    expect(await blobs.finish('default', name)).toBe(true)
    expect(await blobs.status('default', name)).toEqual({ bytes: 0, whole: true })
  })

  it.each([
    ['..', 'a'.repeat(64)],
    ['default', '../../../../etc/passwd'],
    ['default', `${'a'.repeat(63)}/`],
    ['default', 'A'.repeat(64)],
    ['', 'a'.repeat(64)],
    ['a/b', 'a'.repeat(64)],
  ])('refuses the name %j / %j', async (program, name) => {
    const blobs = open()
    await expect(blobs.append(program, name, 0, photo)).rejects.toMatchObject({ code: 'hub/bad-request' })
    await expect(blobs.status(program, name)).rejects.toMatchObject({ code: 'hub/bad-request' })
    await expect(blobs.read(program, name)).rejects.toMatchObject({ code: 'hub/bad-request' })
  })
})

describe('blobs on disk', () => {
  it('are files of their own, with nothing left of the partial', async () => {
    const root = newFolder()
    const blobs = createDiskBlobs(root)
    const photo = utf8('leaf')
    const name = await sha256Hex(photo)
    await blobs.append('default', name, 0, photo)
    expect(existsSync(join(root, 'default', 'partial', name))).toBe(true)
    await blobs.finish('default', name)
    expect(readFileSync(join(root, 'default', name.slice(0, 2), name), 'utf8')).toBe('leaf')
    expect(readdirSync(join(root, 'default', 'partial'))).toEqual([])
  })

  it('are found again by another process, half or whole', async () => {
    const root = newFolder()
    const photo = utf8('leaf and stem')
    const name = await sha256Hex(photo)
    await createDiskBlobs(root).append('default', name, 0, photo.slice(0, 4))
    const later = createDiskBlobs(root)
    expect(await later.status('default', name)).toEqual({ bytes: 4, whole: false })
    await later.append('default', name, 4, photo.slice(4))
    await later.finish('default', name)
    expect(await textOf(createDiskBlobs(root), 'default', name)).toBe('leaf and stem')
  })
})

describe('blobs in a bucket', () => {
  const bucket = (change: object = {}) => ({ ...s3, ...KEYS, bucket: BUCKET, prefix: `more-${folders++}/`, ...change })
  const keysOf = (prefix: string): string[] => [...s3.objects.keys()].filter((key) => key.startsWith(prefix)).sort()

  it('arrive in a few objects, through any hub, and are one object in the end', async () => {
    const place = bucket()
    const [one, two] = [createS3Blobs(createS3Client(place)), createS3Blobs(createS3Client(place))]
    const photo = Uint8Array.from({ length: 700_000 }, (_, i) => i % 251)
    const name = await sha256Hex(photo)
    for (let at = 0; at < 600_000; at += 10_000) await one.append('default', name, at, photo.slice(at, at + 10_000))
    // What a hub has not written yet is as if it had not come: the phone is told, and sends it through the other.
    const { bytes } = await two.status('default', name)
    expect(bytes).toBe(540_000)
    await two.append('default', name, bytes, photo.slice(bytes))
    expect(keysOf(place.prefix).length).toBeLessThan(5)
    expect((await two.status('default', name)).bytes).toBe(700_000)
    // The first hub writes what it held as well, and that takes nothing away.
    expect((await one.status('default', name)).bytes).toBe(700_000)
    expect(await two.finish('default', name)).toBe(true)
    expect(keysOf(place.prefix)).toEqual([`${place.prefix}default/${name.slice(0, 2)}/${name}`])
    const read = await one.read('default', name)
    expect(new Uint8Array(await new Response(read?.stream()).arrayBuffer())).toEqual(photo)
  })

  it('are refused without the right key, which no message shows', async () => {
    const blobs = createS3Blobs(createS3Client(bucket({ secretAccessKey: 'a wrong secret' })))
    const before = s3.refused()
    const failure = await blobs.status('default', 'ab'.repeat(32)).catch((error) => error)
    expect(failure).toMatchObject({ code: 'hub/blob-store', message: expect.stringMatching(/403/) })
    expect(`${failure.message} ${failure.cause}`).not.toContain('secret')
    expect(s3.refused()).toBeGreaterThan(before)
  })

  it('say so when there is no bucket or nobody answers, and wait out a busy moment', async () => {
    const nowhere = createS3Blobs(createS3Client(bucket({ bucket: 'no-such-bucket' })))
    await expect(nowhere.append('default', 'ab'.repeat(32), 0, utf8('a'))).rejects.toMatchObject({
      code: 'hub/blob-store',
    })
    const silent = createS3Blobs(createS3Client(bucket({ endpoint: 'http://127.0.0.1:1' })))
    await expect(silent.read('default', 'ab'.repeat(32))).rejects.toMatchObject({ code: 'hub/blob-store' })
    const patient = createS3Blobs(createS3Client(bucket()))
    s3.fail(2)
    expect(await patient.status('default', 'ab'.repeat(32))).toEqual({ bytes: 0, whole: false })
  })

  it('are named by an address and the variables that Amazon’s own tools read', () => {
    const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_REGION: 'af-south-1' }
    expect(parseBucket('s3://photos/hub/one', env)).toEqual({
      endpoint: 'https://s3.af-south-1.amazonaws.com',
      bucket: 'photos',
      prefix: 'hub/one/',
      region: 'af-south-1',
      accessKeyId: 'a',
      secretAccessKey: 'b',
    })
    expect(parseBucket('s3://photos', { ...env, AWS_ENDPOINT_URL: 'http://minio:9000' })).toMatchObject({
      endpoint: 'http://minio:9000',
      prefix: '',
    })
    for (const [url, given] of [
      ['https://photos', env],
      ['s3://PHOTOS', env],
      ['s3://photos/../etc', env],
      ['s3://photos', {}],
    ] as const) {
      expect(() => parseBucket(url, given)).toThrow(expect.objectContaining({ code: 'hub/bad-bucket' }))
    }
  })
})

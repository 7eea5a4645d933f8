import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Blobs } from '../../../src/hub/blob-store/s3.ts'
import { createS3Client } from '../../../src/hub/blob-store/s3-client.ts'
import { sharedIdentity } from '../../../src/hub/identity.ts'
import { openPostgresStore } from '../../../src/hub/store/postgres.ts'
import { createFakePhone, photoOf, resultLine } from '../../helpers/fake-phone.ts'
import { type PostgresServer, startPostgres } from '../../helpers/postgres.ts'
import { BUCKET, KEYS, startS3 } from '../../helpers/s3-server.ts'
import { createTestHub, ORIGIN, type TestHub } from '../../helpers/test-hub.ts'

let server: PostgresServer
const s3 = await startS3()
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(async () => {
  await server?.stop()
  await s3.stop()
})

describe('two hubs over one database and one bucket', () => {
  it('are one hub to phones that go from one to the other in the middle of everything', async () => {
    const url = await server.newSchema()
    const bucket = createS3Client({ ...s3, ...KEYS, bucket: BUCKET, prefix: 'two/' })
    const stores = await Promise.all([1, 2].map(() => openPostgresStore(url)))
    const signers = await Promise.all(stores.map(sharedIdentity))
    expect(signers[0]?.key).toBe(signers[1]?.key)
    const hubs: TestHub[] = []
    for (const [i, store] of stores.entries()) {
      const signer = signers[i]
      if (signer) hubs.push(await createTestHub({ store, signer, blobs: createS3Blobs(bucket) }))
    }
    const [one, two] = hubs as [TestHub, TestHub]
    const phones = await Promise.all([1, 2, 3, 4].map(() => createFakePhone()))
    const photo = Uint8Array.from({ length: 50_000 }, (_, i) => i % 249)
    const { sha256 } = await photoOf(photo)
    await Promise.all(
      phones.map(async (phone) => {
        for (let round = 0; round < 10; round++) {
          const attachments = round === 0 ? [await photoOf(photo)] : []
          const from = phone.lines.length + 1
          await phone.append(...Array.from({ length: 5 }, (_, i) => resultLine(`${round} ${i}`, { attachments })))
          // The same request at both at once: a balancer that tries again.
          const answers = await Promise.all([one, two].map((hub) => hub.sync(phone, { from })))
          for (const { ack, forks } of answers) {
            expect(ack[phone.stream]).toMatchObject({
              upto: phone.lines.length,
              hash: phone.hashAt(phone.lines.length),
            })
            expect(forks).toEqual([])
          }
        }
      }),
    )
    const [phone] = phones
    if (!phone) throw new Error('no phone')
    const piece = async (hub: TestHub, offset: number, end: number) =>
      (
        await hub.fetch(
          await phone.patch(sha256, photo.slice(offset, end), ORIGIN, { offset, complete: end === photo.length }),
        )
      ).status
    expect(await piece(one, 0, 20_000)).toBe(204)
    const asked = await two.fetch(await phone.blobHead(sha256, ORIGIN))
    expect(asked.headers.get('upload-offset')).toBe('20000')
    expect(await piece(two, 20_000, 50_000)).toBe(201)
    const read = await one.ask(`/v1/default/blobs/sha256-${sha256}`)
    expect(new Uint8Array(await read.arrayBuffer())).toEqual(photo)
    const [first, second] = [await one.records(), await two.records()]
    expect(first).toEqual(second)
    expect(first).toHaveLength(200)
    for (const store of stores) await store.close()
  })
})

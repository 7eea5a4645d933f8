import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildDelta } from '../../../src/cli/pack/delta.ts'
import { blobReader } from '../../../src/cli/pack/open-folder.ts'
import { createInstaller } from '../../../src/packs/install.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { openPack } from '../../../src/packs/open.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { withUpdates } from '../../../src/protocol/delta.ts'
import { parsePackIndex } from '../../../src/protocol/pack-index.ts'
import { type BadNetwork, createBadNetwork } from '../../helpers/bad-network.ts'
import { deleteHubData, type HubProcess, startHub } from '../../helpers/hub-process.ts'
import { KEEP, noise, type SyntheticPack, syntheticPack, throwAwaySigner } from '../../helpers/synthetic-pack.ts'
import { temporaryFolder } from '../../helpers/temporary-folder.ts'

const signer = await throwAwaySigner()
const weights = noise(400_000, 1)
const moved = weights.map((byte, i) => (i % 37 === 0 ? byte + 1 : byte))
const CHUNK = 16_384
const named = (path: string) => (manifest: SyntheticPack['manifest']) => {
  manifest.blob.path = path
}
const one = await syntheticPack({ signer, files: { [KEEP]: weights }, chunkSize: CHUNK, edit: named('one.bin') })
const two = await syntheticPack({
  signer,
  version: '1.1.0',
  files: { [KEEP]: moved },
  chunkSize: CHUNK,
  edit: named('two.bin'),
})
const delta = await buildDelta(
  { ...one, read: blobReader(one.manifest, one.blob) },
  { ...two, read: blobReader(two.manifest, two.blob) },
)

/** Two hubs as their operators start them, and a link between them that can be slow or gone. */
describe('the hub of a village and the one above it, as processes', () => {
  let above: string
  let empty: string
  let district: HubProcess
  let link: BadNetwork
  let village: HubProcess | undefined
  let villageData: string

  async function publish({ manifest, digest, blob, text }: SyntheticPack): Promise<void> {
    const folder = join(above, 'leaf')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, manifest.blob.path), blob)
    await writeFile(join(folder, 'manifest.ndjson'), text)
    const { name, version, title, description } = manifest
    const entry = { name, version, digest, url: 'leaf/manifest.ndjson', bytes: blob.length, title, description }
    await writeFile(join(above, 'index.json'), JSON.stringify({ packs: [entry] }))
  }

  beforeEach(async () => {
    above = temporaryFolder()
    empty = temporaryFolder()
    villageData = temporaryFolder()
    await publish(one)
    district = await startHub({ packs: above })
    link = await createBadNetwork(() => district.url)
    village = undefined
  })
  afterEach(async () => {
    await village?.stop()
    await link.close()
    await district.stop()
    await deleteHubData(district)
  })

  const startVillage = async (): Promise<HubProcess> => {
    village = await startHub({ data: villageData, packs: empty, args: ['--upstream', link.url] })
    return village
  }
  /** Bytes of blobs that came over the link. */
  const came = (): number =>
    link.seen.filter(({ path }) => path.endsWith('.bin')).reduce((sum, { bytes }) => sum + bytes, 0)
  const untilCame = (bytes: number) => expect.poll(came, { timeout: 30_000 }).toBeGreaterThan(bytes)
  const offered = async ({ url }: HubProcess): Promise<string[]> => {
    const { packs } = parsePackIndex(await (await fetch(`${url}/packs/index.json`)).text())
    return packs.map(({ name, version }) => `${name} ${version}`)
  }
  const untilOffered = (hub: HubProcess, what: string) =>
    expect.poll(() => offered(hub), { timeout: 60_000, interval: 200 }).toEqual([what])

  function phone(hub: HubProcess, store = createMemoryStore()) {
    let received = 0
    const installer = createInstaller({
      store,
      exclusive: memoryLocks(),
      trusted: [signer.key],
      fetch: (url, init) => fetch(url, init),
      spend: (bytes) => {
        received += bytes
      },
    })
    return {
      store,
      received: () => received,
      install: () => installer.install(`${hub.url}/packs/leaf/`),
      weights: async () => (await openPack(store, 'leaf', [signer.key])).readFile(KEEP),
    }
  }

  it('give phones the same bytes, also once the one above is gone; a newer version crosses the link as what changed', async () => {
    const hub = await startVillage()
    await untilOffered(hub, 'leaf 1.0.0')
    const bytes = new Uint8Array(await (await fetch(`${hub.url}/packs/leaf/one.bin`)).arrayBuffer())
    expect(Buffer.compare(bytes, one.blob)).toBe(0)
    const leaf = phone(hub)
    await link.cut()
    await leaf.install()
    expect(Buffer.compare(await leaf.weights(), weights)).toBe(0)

    await link.restore()
    if (!delta) throw new Error('no difference could be made')
    await writeFile(join(above, 'leaf', delta.update.path), delta.table)
    await writeFile(join(above, 'leaf', delta.delta.blob.path), delta.blob)
    await publish({ ...two, text: withUpdates(two.text, [delta.update]) })
    await hub.stop()
    link.seen.length = 0
    // A hub looks when it starts, and every hour.
    const again = await startVillage()
    await untilOffered(again, 'leaf 1.1.0')
    const before = leaf.received()
    const later = phone(again, leaf.store)
    await later.install()
    expect(Buffer.compare(await later.weights(), moved)).toBe(0)
    // The phone gets it from the village by the difference alone.
    expect(leaf.received() - before + later.received()).toBeLessThan(two.blob.length / 4)
  })

  it.each(['the hub above', 'the hub of the village'])(
    'go on where they were when %s is killed half-way',
    async (who) => {
      link.blobPace = 100_000
      const hub = await startVillage()
      await untilCame(one.blob.length / 2)
      if (who === 'the hub above') {
        await district.stop('SIGKILL')
        await link.cut()
        district = await startHub({ data: district.data, packs: above })
        await link.restore()
      } else {
        await hub.stop('SIGKILL')
        await startVillage()
      }
      link.blobPace = 200_000
      const now = village as HubProcess
      await untilOffered(now, 'leaf 1.0.0')
      // One chunk, and what was on the wire when it broke and when it was tried again.
      expect(came()).toBeLessThan(one.blob.length + CHUNK + 65_536)
      const leaf = phone(now)
      await leaf.install()
      expect(Buffer.compare(await leaf.weights(), weights)).toBe(0)
    },
  )
})

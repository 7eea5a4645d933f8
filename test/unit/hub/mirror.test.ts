import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { buildDelta } from '../../../src/cli/pack/delta.ts'
import { blobReader } from '../../../src/cli/pack/open-folder.ts'
import { createPackFiles } from '../../../src/hub/files/packs.ts'
import { createMirror } from '../../../src/hub/mirror/mirror.ts'
import { type Bytes, utf8 } from '../../../src/lib/bytes.ts'
import { createInstaller } from '../../../src/packs/install.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { openPack } from '../../../src/packs/open.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { updatesOf, withUpdates } from '../../../src/protocol/delta.ts'
import { createStaticSite, type StaticSite } from '../../helpers/static-site.ts'
import { KEEP, noise, type SyntheticPack, syntheticPack, throwAwaySigner } from '../../helpers/synthetic-pack.ts'

const folders: string[] = []
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'jiko-mirror-'))
  folders.push(folder)
  return folder
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const signer = await throwAwaySigner()
const weights = noise(60_000, 1)
const changed = weights.slice()
changed.fill(7, 30_000, 30_050)
const named = (blob: string) => (manifest: SyntheticPack['manifest']) => {
  manifest.blob.path = blob
}
const one = await syntheticPack({ signer, files: { [KEEP]: weights }, edit: named('one.bin') })
const two = await syntheticPack({ signer, version: '1.1.0', files: { [KEEP]: changed }, edit: named('two.bin') })
const bean = await syntheticPack({ signer, name: 'bean', files: { [KEEP]: noise(9000, 3) } })

const entryOf = ({ manifest: { name, version, title, description }, digest, blob }: SyntheticPack) => ({
  name,
  version,
  digest,
  url: `${name}/manifest.ndjson`,
  bytes: blob.length,
  title,
  description,
})

function publish(site: StaticSite, ...packs: SyntheticPack[]): void {
  for (const pack of packs) site.publish(`/packs/${pack.manifest.name}/`, pack)
  site.put('/packs/index.json', JSON.stringify({ packs: packs.map(entryOf) }))
}

function setUp(...packs: SyntheticPack[]) {
  const site = createStaticSite()
  publish(site, ...packs)
  const folder = newFolder()
  const options = { upstream: 'https://district.test', folder, sleep: async () => undefined }
  const mirror = createMirror({ ...options, fetch: site.fetch })
  return { site, folder, mirror, options }
}

/** A phone that knows nothing but what this folder serves. */
async function phoneInstalls(folder: string, pack: SyntheticPack): Promise<Bytes> {
  const serve = createPackFiles([folder])
  const store = createMemoryStore()
  const installer = createInstaller({
    store,
    exclusive: memoryLocks(),
    trusted: [signer.key],
    fetch: async (url, init) =>
      (await serve(new Request(url, init), new URL(url).pathname.slice('/packs'.length))) ??
      new Response(null, { status: 404 }),
  })
  const { name } = pack.manifest
  expect(await installer.install(`https://village.test/packs/${name}/`)).toMatchObject({ digest: pack.digest })
  return (await openPack(store, name, [signer.key])).readFile(KEEP)
}

const inner = await syntheticPack({ signer, edit: named('deep/one.bin') })
const outside = await syntheticPack({ signer, edit: named('../one.bin') })

describe('a hub copies packs from the hub above', () => {
  it('whole and exact: phones install them as if from above, and nothing comes twice', async () => {
    const { site, folder, mirror } = setUp(one, bean)
    expect(await mirror.run()).toEqual({ fetched: ['leaf 1.0.0', 'bean 1.0.0'], failed: [] })
    expect(await phoneInstalls(folder, one)).toEqual(weights)
    await phoneInstalls(folder, bean)
    const before = site.requests.length
    expect(await mirror.run()).toEqual({ fetched: [], failed: [] })
    expect(site.requests.slice(before).map(({ path }) => path)).toEqual(['/packs/index.json'])
  })

  it('goes on where it was cut off', async () => {
    const { site, folder, options } = setUp(one)
    let left = 2
    const dying = createMirror({
      ...options,
      async fetch(url, init) {
        const response = await site.fetch(url, init)
        if (!url.endsWith('.bin') || left-- <= 0) {
          if (url.endsWith('.bin')) throw new TypeError('the link is gone')
          return response
        }
        const bytes = new Uint8Array(await response.arrayBuffer())
        return new Response(bytes.slice(0, 20_000), { status: response.status, headers: response.headers })
      },
    })
    expect(await dying.run()).toMatchObject({
      fetched: [],
      failed: [{ name: 'leaf', error: { code: 'download/network' } }],
    })
    expect(readdirSync(folder)).not.toContain('index.json')
    const before = site.requests.length
    await createMirror({ ...options, fetch: site.fetch }).run()
    const came = site.requests.slice(before).filter(({ path }) => path.endsWith('.bin'))
    expect(came).toHaveLength(1)
    expect(came[0]?.bytes).toBeLessThan(one.blob.length - 30_000)
    expect(await phoneInstalls(folder, one)).toEqual(weights)
  })

  it('fetches only the chunks that changed, passes differences on, and leaves nothing of the old version', async () => {
    const { site, folder, mirror } = setUp(one)
    await mirror.run()
    publish(site, two)
    const built = await buildDelta(
      { ...one, read: blobReader(one.manifest, one.blob) },
      { ...two, read: blobReader(two.manifest, two.blob) },
    )
    if (!built) throw new Error('there must be differences')
    const lost = { ...built.update, from: bean.digest, path: 'lost.json' }
    site.put('/packs/leaf/manifest.ndjson', withUpdates(two.text, [lost, built.update]))
    site.put(`/packs/leaf/${built.update.path}`, built.table)
    site.put(`/packs/leaf/${built.delta.blob.path}`, built.blob)
    const before = site.requests.length
    expect(await mirror.run()).toMatchObject({ fetched: ['leaf 1.1.0'], failed: [] })
    const fresh = two.manifest.blob.chunks.filter(
      ({ sha256 }) => !one.manifest.blob.chunks.some((chunk) => chunk.sha256 === sha256),
    )
    const came = site.requests.slice(before).filter(({ path }) => path.endsWith('two.bin'))
    expect(came.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(fresh.reduce((sum, { length }) => sum + length, 0))
    expect(await phoneInstalls(folder, two)).toEqual(changed)
    const text = readFileSync(join(folder, 'leaf/manifest.ndjson'), 'utf8')
    expect(updatesOf(text)).toEqual([built.update])
    expect(readdirSync(join(folder, 'leaf')).sort()).toEqual(
      ['manifest.ndjson', 'two.bin', built.update.path, built.delta.blob.path].sort(),
    )
  })

  const tampered = { ...one, text: one.text.replace('"threshold":0.5', '"threshold":0.1') }
  it.each<[string, SyntheticPack, string]>([
    ['was changed after it was signed', tampered, 'pack/bad-signature'],
    ['is another than the list says', { ...one, digest: 'f'.repeat(64) }, 'pack/bad-manifest'],
    ['has its blob in a folder of its own', inner, 'pack/bad-manifest'],
    ['has its blob outside of its folder', outside, 'pack/bad-manifest'],
    ['is a page', { ...one, text: '<!doctype html>' }, 'pack/bad-manifest'],
    ['has other bytes than it says', { ...one, blob: noise(one.blob.length, 9) }, 'pack/corrupt'],
  ])('refuses a pack that %s, and copies the others', async (_, bad, code) => {
    const { folder, mirror } = setUp(bad, bean)
    const { fetched, failed } = await mirror.run()
    expect(fetched).toEqual(['bean 1.0.0'])
    expect(failed).toMatchObject([{ name: 'leaf', error: { code } }])
    await phoneInstalls(folder, bean)
    expect(readFileSync(join(folder, 'index.json'), 'utf8')).not.toContain('"leaf"')
  })

  it('says that there is no list above, or that it is none', async () => {
    const { site, mirror } = setUp(one)
    site.put('/packs/index.json', '<html>sign in')
    await expect(mirror.run()).rejects.toMatchObject({ code: 'pack/bad-index' })
    site.delete('/packs/index.json')
    await expect(mirror.run()).rejects.toMatchObject({ code: 'download/not-found' })
  })

  it('does not go back to an older version', async () => {
    const { site, mirror } = setUp(two)
    await mirror.run()
    publish(site, one)
    expect(await mirror.run()).toEqual({ fetched: [], failed: [] })
  })
})

describe('packs of two folders', () => {
  async function folderOf(...packs: SyntheticPack[]): Promise<string> {
    const { folder, mirror } = setUp(...packs)
    await mirror.run()
    return folder
  }
  const get = (serve: ReturnType<typeof createPackFiles>, path: string, headers: Record<string, string> = {}) =>
    serve(new Request(`https://village.test/packs${path}`, { headers }), path)

  it('are one list, with the newer version of each, and files of either', async () => {
    const serve = createPackFiles([await folderOf(one), await folderOf(two, bean)])
    const index = await get(serve, '/index.json')
    const { packs } = JSON.parse((await index?.text()) ?? '{}') as { packs: { name: string; version: string }[] }
    expect(packs.map(({ name, version }) => `${name} ${version}`)).toEqual(['bean 1.0.0', 'leaf 1.1.0'])
    const etag = index?.headers.get('etag') ?? ''
    expect((await get(serve, '/index.json', { 'if-none-match': etag }))?.status).toBe(304)
    expect(await (await get(serve, '/leaf/manifest.ndjson'))?.text()).toBe(two.text)
    expect((await get(serve, '/leaf/one.bin', { range: 'bytes=0-9' }))?.status).toBe(206)
    expect(await get(serve, '/leaf/none.bin')).toBeUndefined()
    expect(await get(serve, '/../secret')).toBeUndefined()
  })

  it('do not hide each other when one list is missing or damaged', async () => {
    const broken = newFolder()
    writeFileSync(join(broken, 'index.json'), utf8('{"packs":7}'))
    for (const folder of [broken, newFolder()]) {
      const serve = createPackFiles([folder, await folderOf(bean)])
      expect(await (await get(serve, '/index.json'))?.text()).toContain('"bean"')
    }
  })
})

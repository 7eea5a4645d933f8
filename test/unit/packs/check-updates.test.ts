import { describe, expect, it } from 'vitest'
import { checkIndex, findUpdates, lastIndex, MAX_INDEX_BYTES } from '../../../src/packs/check-updates.ts'
import { createInstaller } from '../../../src/packs/install.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { refusedKey } from '../../../src/packs/notes.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { createStaticSite } from '../../helpers/static-site.ts'
import { syntheticPack } from '../../helpers/synthetic-pack.ts'

const url = 'https://hub.test/packs/index.json'
const entry = (name: string, version: string, digest: string) => ({
  name,
  version,
  digest: digest.repeat(64),
  url: `${name}/manifest.ndjson`,
  bytes: 1000,
  title: { en: name },
  description: { en: '' },
})
const index = (...packs: ReturnType<typeof entry>[]) => JSON.stringify({ packs })

describe('checking for updates', () => {
  it('asks by the ETag it knows, and answers from what it kept when nothing changed', async () => {
    const site = createStaticSite()
    const notes = createMemoryStore()
    site.put('/packs/index.json', index(entry('leaf', '1.0.0', 'a')))
    expect(await lastIndex(url, notes)).toEqual([])
    expect(await checkIndex(url, site, notes)).toMatchObject({ changed: true, offers: [{ name: 'leaf' }] })
    expect(await checkIndex(url, site, notes)).toMatchObject({ changed: false, offers: [{ name: 'leaf' }] })
    expect(site.requests.map(({ status, bytes }) => [status, bytes > 0])).toEqual([
      [200, true],
      [304, false],
    ])
    site.put('/packs/index.json', index(entry('leaf', '1.1.0', 'b')))
    expect(await checkIndex(url, site, notes)).toMatchObject({ changed: true, offers: [{ version: '1.1.0' }] })
    expect(await lastIndex(url, notes)).toMatchObject([{ version: '1.1.0' }])
  })

  it('does not take the list of another address for this one', async () => {
    const site = createStaticSite()
    const notes = createMemoryStore()
    site.put('/packs/index.json', index(entry('leaf', '1.0.0', 'a')))
    await checkIndex(url, site, notes)
    expect(await lastIndex('https://other.test/packs/index.json', notes)).toEqual([])
  })

  it.each([
    ['a login page', '<html><body>Sign in', 'download/captive-portal'],
    ['not JSON', 'sorry', 'pack/bad-index'],
    ['wrong in a field', index(entry('leaf', 'one', 'a')), 'pack/bad-index'],
    ['too long', ' '.repeat(MAX_INDEX_BYTES + 1), 'download/too-large'],
    ['not text', new Uint8Array([0xff, 0x80]), 'pack/bad-index'],
  ])('refuses a list that is %s and keeps the last good one', async (_, body, code) => {
    const site = createStaticSite()
    const notes = createMemoryStore()
    site.put('/packs/index.json', index(entry('leaf', '1.0.0', 'a')))
    await checkIndex(url, site, notes)
    site.put('/packs/index.json', body)
    await expect(checkIndex(url, site, notes)).rejects.toMatchObject({ code })
    expect(await lastIndex(url, notes)).toHaveLength(1)
  })

  it('survives a damaged note and a 304 that nobody asked for', async () => {
    const site = createStaticSite()
    const notes = createMemoryStore()
    site.put('/packs/index.json', index(entry('leaf', '1.0.0', 'a')))
    await notes.putNote('index', '{"url":7}')
    expect((await checkIndex(url, site, notes)).changed).toBe(true)
    const odd = { fetch: async () => new Response(null, { status: 304 }) }
    await expect(checkIndex(url, odd, createMemoryStore())).rejects.toMatchObject({ code: 'download/server' })
  })

  it('finds what is newer, not what is older, absent, the same or refused here', async () => {
    const notes = createMemoryStore()
    const installed = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, version: '1.2.0', digest: 'a'.repeat(64) }))
    const offers = [
      entry('a', '1.10.0', 'b'),
      entry('b', '1.1.9', 'b'),
      entry('c', '1.2.0', 'a'),
      entry('d', '2.0.0', 'c'),
      entry('e', '1.2.0', 'f'),
      entry('new', '1.0.0', 'a'),
    ]
    await notes.putNote(refusedKey('d'), 'c'.repeat(64))
    expect((await findUpdates(offers, installed, notes)).map(({ name }) => name)).toEqual(['a', 'e'])
  })

  it('remembers a version that failed its check on this device', async () => {
    const site = createStaticSite()
    const pack = await syntheticPack()
    site.publish('/packs/leaf/', pack)
    const store = createMemoryStore()
    const installer = createInstaller({
      store,
      exclusive: memoryLocks(),
      trusted: [pack.key],
      fetch: site.fetch,
      verifyInstalled: () => Promise.reject(new Error('wrong')),
    })
    await expect(installer.install('https://hub.test/packs/leaf/')).rejects.toMatchObject({ code: 'pack/failed-check' })
    expect(await store.getNote(refusedKey('leaf'))).toBe(pack.digest)
  })
})

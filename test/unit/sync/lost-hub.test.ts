import { expect, it } from 'vitest'
import { photo, result, resultWith } from '../store/samples.ts'
import { createLink } from './link.ts'
import { createPhone, createTestHub, PROGRAM } from './world.ts'

it('a hub that burns down with only held receipts given loses nothing that is still on phones, photos too', async () => {
  const root = await createTestHub()
  const village = () => {
    const { fetch } = createLink((request) => root.hub.fetch(request))
    return createTestHub({ upstream: 'http://root.test', upstreamLink: { fetch, sleep: async () => undefined } })
  }
  const current = { hub: await village() }
  const phones = await Promise.all(
    [1, 2, 3].map(() => createPhone({ hub: { fetch: async (request) => current.hub.hub.fetch(request) } })),
  )
  const file = await photo(1, 30_000)
  for (const [i, { store, sync }] of phones.entries()) {
    for (let n = 0; n < 10; n++)
      await store.append(n === 0 ? resultWith(file, `${i}-${n}`) : result(`${i}-${n}`), n === 0 ? [file] : [])
    expect(await sync.now()).toMatchObject({ local: 0, held: 10, final: 0, blobsHeld: 1, allSent: false })
    // What is only held is not pruned, whatever the need.
    expect(await store.prune({ bytes: 1e9 })).toBe(0)
  }
  // Before it passed anything on; a new hub with a new key stands at its address.
  current.hub = await village()
  for (const { sync } of phones) {
    expect(await sync.now()).toMatchObject({ lastError: 'sync/hub-changed', held: 10, allSent: false })
    await sync.trustHub(current.hub.signer.key)
    expect(await sync.now()).toMatchObject({ local: 0, held: 10, blobsHeld: 1 })
  }
  await current.hub.hub.forwarder?.now()
  for (const { sync } of phones) expect(await sync.now()).toMatchObject({ final: 10, blobsHeld: 0, allSent: true })
  expect(await root.records()).toHaveLength(30)
  expect(await root.store.namedBlob(PROGRAM, file.sha256)).toMatchObject({ whole: true })
})

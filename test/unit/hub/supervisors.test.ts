import { expect, it } from 'vitest'
import type { Role } from '../../../src/protocol/enrol.ts'
import { createFakePhone, type FakePhone, resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub, type TestHub } from '../../helpers/test-hub.ts'

const at = { wall: 1_790_000_000_000, mono: 1, session: 's', zone: 0 }

const correctionOf = (ref: string, label: string, role: string): string =>
  JSON.stringify({ v: 1, kind: 'correction', at, ref, base: [], role, patch: { label } })

/** A phone that says of its own record what a worker, then what a supervisor would say. */
async function speakTwice(phone: FakePhone): Promise<void> {
  await phone.append(resultLine('rust'))
  await phone.append(
    correctionOf(`${phone.stream}/1`, 'phoma', 'worker'),
    correctionOf(`${phone.stream}/1`, 'healthy', 'supervisor'),
    resultLine('supervisor'),
  )
}

async function enrolled(hub: TestHub, role: Role): Promise<FakePhone> {
  const phone = await createFakePhone()
  await hub.store.addMember('default', { key: phone.key, role, name: '', enrolledAt: 0, by: 'hub' })
  return phone
}

const verdictsOf = async (hub: TestHub): Promise<string[]> =>
  (await hub.records()).map(({ verdict }) => verdict.split(':')[0] ?? '')

it.each(['reviewer', 'admin'] as const)('the phone of a %s speaks as a supervisor', async (role) => {
  const hub = await createTestHub()
  const phone = await enrolled(hub, role)
  await speakTwice(phone)
  expect((await hub.sync(phone, { from: 1 })).verdicts).toEqual([])
  expect(await verdictsOf(hub)).toEqual(['ok', 'ok', 'ok', 'ok'])
})

it.each(['sender', 'viewer', 'nobody in an open program'] as const)(
  'what says so from the phone of %s is kept, in quarantine, and holds up nothing behind it',
  async (role) => {
    const hub = await createTestHub()
    const phone = role === 'sender' || role === 'viewer' ? await enrolled(hub, role) : await createFakePhone()
    await speakTwice(phone)
    const { ack, verdicts } = await hub.sync(phone, { from: 1 })
    expect(ack[phone.stream]).toMatchObject({ upto: 4, level: 'final' })
    expect(verdicts).toEqual([[phone.stream, 3, expect.stringContaining('a supervisor speaks')]])
    expect(await verdictsOf(hub)).toEqual(['ok', 'ok', 'quarantine', 'ok'])
    // Only what was accepted is handed on to those it is about.
    const changes = await hub.store.changes('default', phone.stream, { known: {}, limit: 9 })
    expect(changes.filter(({ line }) => line.includes('"supervisor"'))).toEqual([])
  },
)

it('says where browsers have emptied storage: on the page, in the metrics, in the audit log', async () => {
  const hub = await createTestHub()
  const phone = await createFakePhone()
  const storage = { persisted: false, usage: 1, quota: 2, lost: ['IndexedDB', '<b>localStorage</b>'] }
  const quiet = await hub.send(phone, await phone.request())
  expect(quiet.status).toBe(200)
  expect(await (await hub.ask('/metrics')).text()).toContain('jiko_hub_storage_lost{program="default"} 0')
  expect(await (await hub.ask('/hub')).text()).not.toContain('Emptied by their browser')
  expect((await hub.send(phone, { ...(await phone.request()), storage })).status).toBe(200)
  expect(await (await hub.ask('/metrics')).text()).toContain('jiko_hub_storage_lost{program="default"} 1')
  // Its answer was lost on the way, so the phone says it again: that is no second loss.
  await hub.send(phone, { ...(await phone.request()), storage })
  expect(await (await hub.ask('/metrics')).text()).toContain('jiko_hub_storage_lost{program="default"} 1')
  hub.clock.now += 3_600_001
  await hub.send(phone, { ...(await phone.request()), storage })
  expect(await (await hub.ask('/metrics')).text()).toContain('jiko_hub_storage_lost{program="default"} 2')
  const page = await (await hub.ask('/hub')).text()
  expect(page).toContain('Emptied by their browser')
  expect(page).toContain(`phone …${phone.key.slice(-6)}: IndexedDB, &lt;b&gt;localStorage&lt;/b&gt;`)
  const [entry] = await hub.store.audit('default', { limit: 9 })
  expect(entry).toMatchObject({ by: phone.key, action: 'storage-lost' })
})

import { afterEach, describe, expect, it } from 'vitest'
import type { HubStore, Invitation, Member } from '../../../src/hub/store/store.ts'

const member: Member = { key: 'phone', role: 'sender', name: 'Asha', enrolledAt: 5, by: 'hub' }
const invitation: Invitation = {
  id: 'ab'.repeat(32),
  role: 'viewer',
  name: 'Office',
  createdAt: 10,
  expiresAt: 100,
  by: 'hub',
}

/** What every store must know about who may do what. */
export function describeHubAccess(name: string, open: () => Promise<HubStore>): void {
  describe(`who may what: ${name}`, () => {
    let store: HubStore | undefined
    afterEach(async () => {
      await store?.close()
      store = undefined
    })
    async function opened(): Promise<HubStore> {
      store = await open()
      for (const program of ['default', 'coffee']) await store.addProgram(program, 1)
      return store
    }

    it('takes members in once, and changes role and name only', async () => {
      const hub = await opened()
      await hub.addMember('default', member)
      await hub.addMember('default', { ...member, role: 'admin', name: 'Asha M.', enrolledAt: 9, by: 'x' })
      await hub.addMember('default', { ...member, key: 'another' })
      const changed = { ...member, role: 'admin', name: 'Asha M.' }
      expect(await hub.member('default', 'phone')).toEqual(changed)
      expect(await hub.members('default')).toEqual([{ ...member, key: 'another' }, changed])
      expect(await hub.member('coffee', 'phone')).toBeUndefined()
      expect(await hub.members('coffee')).toEqual([])
      await expect(hub.addMember('nowhere', member)).rejects.toThrow()
    })

    it('lets an invitation be used once, again by who used it, and not after its time', async () => {
      const hub = await opened()
      await hub.addInvitation('default', invitation)
      await hub.addInvitation('default', { ...invitation, id: 'cd'.repeat(32), createdAt: 9 })
      expect((await hub.invitations('default')).map(({ createdAt }) => createdAt)).toEqual([9, 10])
      expect(await hub.redeem('default', 'ef'.repeat(32), { key: 'a', at: 20 })).toBeUndefined()
      expect(await hub.redeem('coffee', invitation.id, { key: 'a', at: 20 })).toBeUndefined()
      expect(await hub.redeem('default', invitation.id, { key: 'a', at: 101 })).toBeUndefined()
      const used = { ...invitation, used: { key: 'a', at: 100 } }
      expect(await hub.redeem('default', invitation.id, { key: 'a', at: 100 })).toEqual(used)
      expect(await hub.redeem('default', invitation.id, { key: 'a', at: 500 })).toEqual(used)
      expect(await hub.redeem('default', invitation.id, { key: 'b', at: 50 })).toBeUndefined()
      expect(await hub.invitations('default')).toContainEqual(used)
    })

    it('gives one of several who use an invitation at once', async () => {
      const hub = await opened()
      await hub.addInvitation('default', invitation)
      const given = await Promise.all(
        ['a', 'b', 'c', 'd'].map((key) => hub.redeem('default', invitation.id, { key, at: 20 })),
      )
      expect(given.filter((one) => one !== undefined)).toHaveLength(1)
    })

    it('writes down what was done, newest first, a page at a time', async () => {
      const hub = await opened()
      const entries = [
        { at: 1, id: 'a', by: 'hub', action: 'enrol', about: 'phone' },
        { at: 2, id: 'a', by: 'phone', action: 'revoke', about: 'another' },
        { at: 2, id: 'B', by: 'phone', action: 'revoke', about: 'a third' },
      ]
      for (const entry of entries) await hub.addAudit('default', entry)
      // By bytes: a capital comes before.
      const [first, second, third] = [entries[1], entries[2], entries[0]]
      expect(await hub.audit('default', { limit: 9 })).toEqual([first, second, third])
      expect(await hub.audit('default', { limit: 1 })).toEqual([first])
      expect(await hub.audit('default', { before: { at: 2, id: 'a' }, limit: 9 })).toEqual([second, third])
      expect(await hub.audit('coffee', { limit: 9 })).toEqual([])
    })

    it('keeps the first of several values for a setting that is claimed at once', async () => {
      const hub = await opened()
      const stand = await Promise.all(['a', 'b', 'c'].map((value) => hub.claimSetting('key', value)))
      expect(new Set(stand).size).toBe(1)
      expect(await hub.claimSetting('key', 'later')).toBe(stand[0])
      expect(await hub.setting('key')).toBe(stand[0])
    })
  })
}

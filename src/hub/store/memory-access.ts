import type { AuditEntry, HubStore, Invitation, Member } from './store.ts'

/** Who may do what in one program. */
export interface AccessTables {
  members: Map<string, Member>
  invitations: Map<string, Invitation>
  audit: AuditEntry[]
}

export const newAccess = (): AccessTables => ({ members: new Map(), invitations: new Map(), audit: [] })

const compareEntries = (a: Pick<AuditEntry, 'at' | 'id'>, b: Pick<AuditEntry, 'at' | 'id'>): number =>
  a.at - b.at || (a.id < b.id ? -1 : Number(a.id > b.id))

/** The part of the memory store that knows who may do what. */
export function createMemoryAccess(
  open: (program: string) => AccessTables,
): Pick<
  HubStore,
  'addMember' | 'member' | 'members' | 'addInvitation' | 'invitations' | 'redeem' | 'addAudit' | 'audit'
> {
  return {
    async addMember(program, member) {
      const { members } = open(program)
      const known = members.get(member.key)
      members.set(member.key, known ? { ...known, role: member.role, name: member.name } : member)
    },
    member: async (program, key) => open(program).members.get(key),
    members: async (program) => [...open(program).members.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
    async addInvitation(program, invitation) {
      open(program).invitations.set(invitation.id, invitation)
    },
    invitations: async (program) =>
      [...open(program).invitations.values()].sort(
        (a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : Number(a.id > b.id)),
      ),
    async redeem(program, id, use) {
      const { invitations } = open(program)
      const known = invitations.get(id)
      if (known?.used) return known.used.key === use.key ? known : undefined
      if (!known || use.at > known.expiresAt) return undefined
      const used = { ...known, used: use }
      invitations.set(id, used)
      return used
    },
    async addAudit(program, entry) {
      open(program).audit.push(entry)
    },
    audit: async (program, { before, limit }) =>
      open(program)
        .audit.filter((entry) => !before || compareEntries(entry, before) < 0)
        .sort((a, b) => compareEntries(b, a))
        .slice(0, limit),
  }
}

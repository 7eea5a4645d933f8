import type { Kysely } from 'kysely'
import { toBlob, toHex } from './hex.ts'
import type { Tables } from './schema.ts'
import type { HubStore, Invitation, Member } from './store.ts'

const toMember = ({ key, role, name, enrolled_at, enrolled_by }: Tables['members']): Member => ({
  key,
  role,
  name,
  enrolledAt: enrolled_at,
  by: enrolled_by,
})

function toInvitation(row: Tables['invitations']): Invitation {
  const { id, role, name, created_at, expires_at, created_by, used_by, used_at } = row
  return {
    id: toHex(id),
    role,
    name,
    createdAt: created_at,
    expiresAt: expires_at,
    by: created_by,
    ...(used_by !== null && { used: { key: used_by, at: used_at ?? 0 } }),
  }
}

/** The part of the store that knows who may do what. */
export function createSqlAccess(
  db: Kysely<Tables>,
): Pick<
  HubStore,
  'addMember' | 'member' | 'members' | 'addInvitation' | 'invitations' | 'redeem' | 'addAudit' | 'audit'
> {
  return {
    async addMember(program, { key, role, name, enrolledAt, by }) {
      await db
        .insertInto('members')
        .values({ program, key, role, name, enrolled_at: enrolledAt, enrolled_by: by })
        .onConflict((conflict) => conflict.columns(['program', 'key']).doUpdateSet({ role, name }))
        .execute()
    },
    async member(program, key) {
      const row = await db
        .selectFrom('members')
        .selectAll()
        .where('program', '=', program)
        .where('key', '=', key)
        .executeTakeFirst()
      return row && toMember(row)
    },
    async members(program) {
      const rows = await db.selectFrom('members').selectAll().where('program', '=', program).orderBy('key').execute()
      return rows.map(toMember)
    },
    async addInvitation(program, { id, role, name, createdAt, expiresAt, by, used }) {
      await db
        .insertInto('invitations')
        .values({
          program,
          id: toBlob(id),
          role,
          name,
          created_at: createdAt,
          expires_at: expiresAt,
          created_by: by,
          used_by: used?.key ?? null,
          used_at: used?.at ?? null,
        })
        .execute()
    },
    async invitations(program) {
      const rows = await db
        .selectFrom('invitations')
        .selectAll()
        .where('program', '=', program)
        .orderBy('created_at')
        .orderBy('id')
        .execute()
      return rows.map(toInvitation)
    },
    async redeem(program, id, { key, at }) {
      // One statement decides between two who use it at once.
      await db
        .updateTable('invitations')
        .set({ used_by: key, used_at: at })
        .where('program', '=', program)
        .where('id', '=', toBlob(id))
        .where('used_by', 'is', null)
        .where('expires_at', '>=', at)
        .execute()
      const row = await db
        .selectFrom('invitations')
        .selectAll()
        .where('program', '=', program)
        .where('id', '=', toBlob(id))
        .where('used_by', '=', key)
        .executeTakeFirst()
      return row && toInvitation(row)
    },
    async addAudit(program, { at, id, by, action, about }) {
      await db.insertInto('audit').values({ program, at, id, done_by: by, action, about }).execute()
    },
    async audit(program, { before, limit }) {
      const rows = await db
        .selectFrom('audit')
        .selectAll()
        .where('program', '=', program)
        .$if(before !== undefined, (query) =>
          query.where(({ eb, refTuple, tuple }) =>
            eb(refTuple('at', 'id'), '<', tuple(before?.at ?? 0, before?.id ?? '')),
          ),
        )
        .orderBy('at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute()
      return rows.map(({ at, id, done_by, action, about }) => ({ at, id, by: done_by, action, about }))
    },
  }
}

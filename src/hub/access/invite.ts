import { randomBytes, toBase64Url, utf8 } from '../../lib/bytes.ts'
import { sha256Hex } from '../../lib/sha256.ts'
import { fingerprintOf, formatInvitation, type InvitationLink, type Role } from '../../protocol/enrol.ts'
import type { HubStore } from '../store/store.ts'
import { closeProgram } from './access.ts'
import { writeAudit } from './audit.ts'

export interface Invite {
  program: string
  role: Role
  /** What people call who is invited; may be empty. */
  name: string
  /** Address at which the hub is reached, with a slash at its end. */
  hub: string
  hubKey: string
  /** Milliseconds that it may be used. */
  life: number
  /** Who invites. */
  by: string
  now: number
}

/** Where a token is looked up: who reads the database cannot join. */
export const invitationId = (token: string): Promise<string> => sha256Hex(utf8(token))

/**
 * Makes an invitation that one phone, hub or browser can use once. The first one for somebody who sends closes an open
 * program to strangers.
 * @returns the link: what is in it is nowhere else.
 */
export async function invite(store: HubStore, wanted: Invite): Promise<{ link: string; closed: boolean }> {
  const { program, role, name, hub, hubKey, life, by, now } = wanted
  const token = toBase64Url(randomBytes(16))
  const expires = now + life
  await store.addInvitation(program, {
    id: await invitationId(token),
    role,
    name,
    createdAt: now,
    expiresAt: expires,
    by,
  })
  await writeAudit(store, program, { at: now, by, action: 'invite', about: [role, name].filter(Boolean).join(' ') })
  const closed = (role === 'sender' || role === 'hub') && (await closeProgram(store, program, now))
  const link: InvitationLink = { hub, program, fingerprint: await fingerprintOf(hubKey), token, role, expires }
  return { link: formatInvitation(link), closed }
}

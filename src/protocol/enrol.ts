import * as v from 'valibot'
import { fromBase64Url, toBase64Url } from '../lib/bytes.ts'
import { sha256 } from '../lib/sha256.ts'
import { JikoError } from './error.ts'
import { ProgramName } from './hub.ts'
import { parseWith } from './parse.ts'
import { Count, PublicKey, ShortText } from './primitives.ts'

/**
 * What a member of a program may do. `sender`: send one's own records and photos. `viewer`: also read what came in.
 * `reviewer`: also correct it. `admin`: also invite, revoke, open and close. `hub`: send what others wrote, and vouch for
 * who wrote it.
 */
export const ROLES = ['sender', 'viewer', 'reviewer', 'admin', 'hub'] as const
export const Role = v.picklist(ROLES)
export type Role = v.InferOutput<typeof Role>

const RIGHTS = {
  send: ['sender', 'viewer', 'reviewer', 'admin', 'hub'],
  read: ['viewer', 'reviewer', 'admin'],
  review: ['reviewer', 'admin'],
  administer: ['admin'],
  carry: ['hub'],
} as const satisfies Record<string, readonly Role[]>
export type Right = keyof typeof RIGHTS

export const may = (role: Role, right: Right): boolean => (RIGHTS[right] as readonly Role[]).includes(role)

const Token = v.pipe(v.string(), v.regex(/^[\w-]{22}$/, 'expected a token of 16 bytes as base64url'))

/**
 * An invitation as its link says it. Only the token is a secret, and only the hub decides by it: the rest tells a person
 * what will happen, and the phone which hub to believe.
 */
export const InvitationLink = v.object({
  /** The hub's address, with a slash at its end. */
  hub: v.pipe(v.string(), v.url()),
  program: ProgramName,
  /** SHA-256 of the hub's public key, 16 bytes of it. */
  fingerprint: v.pipe(v.string(), v.regex(/^[\w-]{22}$/, 'expected a fingerprint of 16 bytes as base64url')),
  token: Token,
  role: Role,
  /** Milliseconds since 1970 by the hub's clock: a phone's own may be wrong, so it shows this and asks the hub all the same. */
  expires: Count,
})
export type InvitationLink = v.InferOutput<typeof InvitationLink>

const MARK = '#enrol/'

/** 128 bits of the key's hash: nobody finds another key with the same. */
export async function fingerprintOf(key: string): Promise<string> {
  return toBase64Url((await sha256(fromBase64Url(key))).slice(0, 16))
}

/** The fragment of an address never leaves the browser: no server or proxy on the way sees the token. */
export function formatInvitation({ hub, program, fingerprint, token, role, expires }: InvitationLink): string {
  return `${hub}${MARK}${[program, fingerprint, token, role, expires.toString(36)].join('/')}`
}

/** @throws JikoError `sync/bad-invitation` for text that is no invitation. */
export function parseInvitation(link: string): InvitationLink {
  const text = link.trim()
  const at = text.indexOf(MARK)
  if (at < 0 || text.length > 600) {
    throw new JikoError(
      'sync/bad-invitation',
      `not an invitation: ${JSON.stringify(text.slice(0, 60))} has no "${MARK}"`,
    )
  }
  const [program, fingerprint, token, role, expires = ''] = text.slice(at + MARK.length).split('/')
  const data = { hub: text.slice(0, at), program, fingerprint, token, role, expires: Number.parseInt(expires, 36) }
  return parseWith(InvitationLink, data, 'sync/bad-invitation', 'the invitation')
}

/**
 * `POST /v1/{program}/enrol`, JSON, signed like a sync by the device's key: by the token of an invitation, or by a
 * certificate that this hub, or a hub which is a member here, gave before. Repeating it changes nothing.
 */
export const EnrolRequest = v.object({
  v: v.literal(1),
  device: v.object({ key: PublicKey }),
  by: v.variant('kind', [
    v.object({ kind: v.literal('token'), token: Token }),
    v.object({ kind: v.literal('certificate'), certificate: v.pipe(v.string(), v.maxLength(2000)) }),
  ]),
  app: v.pipe(ShortText, v.maxLength(64)),
})
export type EnrolRequest = v.InferOutput<typeof EnrolRequest>

/** What a phone keeps of it. */
export const EnrolResponse = v.object({
  jiko: v.literal(1),
  hub: v.object({ key: PublicKey }),
  program: ProgramName,
  role: Role,
  /** The hub's word, as a JSON web token signed with its key, that the device is a member: it outlives the hub's database. */
  certificate: v.pipe(v.string(), v.maxLength(2000)),
})
export type EnrolResponse = v.InferOutput<typeof EnrolResponse>

import * as v from 'valibot'
import { fromBase64Url, toBase64Url } from '../lib/bytes.ts'
import { sha256 } from '../lib/sha256.ts'
import { JikoError } from './error.ts'
import { ProgramName } from './hub.ts'
import { parseWith } from './parse.ts'
import { Count, PublicKey, ShortText } from './primitives.ts'
import { RecordId } from './record.ts'

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
/** The page at the hub where a browser joins; a phone joins in the app. */
export const ENTER_PATH = 'hub/enter'

/** 128 bits of the key's hash: nobody finds another key with the same. */
export async function fingerprintOf(key: string): Promise<string> {
  return toBase64Url((await sha256(fromBase64Url(key))).slice(0, 16))
}

/** The fragment of an address never leaves the browser: no server or proxy on the way sees the token. */
export function formatInvitation({ hub, program, fingerprint, token, role, expires }: InvitationLink): string {
  const path = may(role, 'read') ? ENTER_PATH : ''
  return `${hub}${path}${MARK}${[program, fingerprint, token, role, expires.toString(36)].join('/')}`
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
  const hub = text.slice(0, at).replace(new RegExp(`${ENTER_PATH}$`), '')
  const data = { hub, program, fingerprint, token, role, expires: Number.parseInt(expires, 36) }
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

/** `GET /v1/{program}/nonce`: what is to be signed next, so that nobody's clock but the hub's counts. */
export const NonceResponse = v.object({ jiko: v.literal(1), nonce: v.string() })

/** `POST /v1/{program}/token`, JSON, signed like a sync: a member's key for a token that reads and administers. */
export const TokenRequest = v.object({
  v: v.literal(1),
  device: v.object({ key: PublicKey }),
  nonce: v.pipe(v.string(), v.maxLength(2000)),
})
export type TokenRequest = v.InferOutput<typeof TokenRequest>

/** Sent along as `Authorization: Bearer`; after `seconds`, or a 401, one fetches another. */
export const TokenResponse = v.object({ jiko: v.literal(1), token: v.string(), role: Role, seconds: Count })

/** `POST /v1/{program}/invitations`, JSON, by an admin. */
export const InviteRequest = v.object({
  v: v.literal(1),
  role: Role,
  name: v.optional(v.pipe(ShortText, v.maxLength(64)), ''),
  hours: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(24 * 90)), 72),
})

/** `POST /v1/{program}/revoke`, JSON, by an admin: what this key still sends goes to quarantine, and its tokens open nothing. */
export const RevokeRequest = v.object({ v: v.literal(1), key: v.pipe(ShortText, v.minLength(20)) })

/** `POST /v1/{program}/changes`, JSON, by a reviewer, and an order to erase by an admin: said in the hub's own log. */
export const ChangeRequest = v.object({
  v: v.literal(1),
  change: v.variant('kind', [
    v.object({
      kind: v.literal('correction'),
      ref: RecordId,
      patch: v.record(v.pipe(v.string(), v.maxLength(64)), v.union([v.string(), v.number(), v.boolean(), v.null()])),
      /** The corrections that were seen: what it is based on. */
      base: v.optional(v.array(RecordId), []),
    }),
    v.object({ kind: v.picklist(['retract', 'erase']), ref: RecordId }),
    v.object({ kind: v.literal('note'), ref: RecordId, text: v.pipe(v.string(), v.minLength(1), v.maxLength(4000)) }),
  ]),
})

/** `POST /v1/{program}/admission`, JSON, by an admin. */
export const AdmissionRequest = v.object({ v: v.literal(1), admission: v.picklist(['open', 'enrolled']) })

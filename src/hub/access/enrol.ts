import { fromUtf8 } from '../../lib/bytes.ts'
import { EnrolRequest, type EnrolResponse, may, type Role } from '../../protocol/enrol.ts'
import { JikoError } from '../../protocol/error.ts'
import { parseJson, parseWith, type Schema } from '../../protocol/parse.ts'
import type { Signer } from '../../protocol/sign.ts'
import { readBody } from '../body.ts'
import { isDeeperThan } from '../depth.ts'
import { checkSignature } from '../signature.ts'
import type { HubStore } from '../store/store.ts'
import { HOST } from './access.ts'
import { writeAudit } from './audit.ts'
import { invitationId } from './invite.ts'
import { issuerOf, type Tokens } from './tokens.ts'

const MAX_BYTES = 8192
const MAX_DEPTH = 4

/** A short JSON body. @throws JikoError `hub/bad-request`, `hub/too-large`. */
export async function readJson<S extends Schema>(request: Request, schema: S) {
  const body = await readBody(request, MAX_BYTES)
  let text: string
  try {
    text = fromUtf8(body)
  } catch (cause) {
    throw new JikoError('hub/bad-request', 'the body is not UTF-8 text', { cause })
  }
  if (isDeeperThan(text, MAX_DEPTH))
    throw new JikoError('hub/bad-request', `the request nests deeper than ${MAX_DEPTH}`)
  const data = parseWith(schema, parseJson(text, 'hub/bad-request', 'the request'), 'hub/bad-request', 'the request')
  return { body, data }
}

export interface EnrolDeps {
  store: HubStore
  signer: Signer
  tokens: Tokens
  now: () => number
}

interface Granted {
  role: Role
  name: string
  by: string
}

/** `POST /v1/{program}/enrol`, as `EnrolRequest` says. */
export function createEnrol({ store, signer, tokens, now }: EnrolDeps) {
  async function byToken(program: string, token: string, key: string, at: number): Promise<Granted> {
    const invitation = await store.redeem(program, await invitationId(token), { key, at })
    if (invitation) return invitation
    throw new JikoError(
      'hub/bad-invitation',
      'this invitation was used by another phone, is over, or was never given: ask for a new one',
    )
  }

  /** A member of another hub that is a member here is one here too, to send; what else one may is each hub's own to say. */
  async function byCertificate(program: string, certificate: string, key: string): Promise<Granted> {
    const issuer = issuerOf(certificate) ?? ''
    const isOurs = issuer === signer.key
    const [hub, device] = await Promise.all([store.member(program, issuer), store.device(program, issuer)])
    const isHub = hub !== undefined && may(hub.role, 'carry') && device?.revokedAt === undefined
    if (!isOurs && !isHub) {
      throw new JikoError(
        'hub/bad-invitation',
        'this certificate is of a hub that is not known here: ask for an invitation',
      )
    }
    const { key: certified } = await tokens.verify('certificate', certificate, program, issuer)
    if (certified !== key) throw new JikoError('hub/bad-token', 'this certificate is of another device')
    return { role: 'sender', name: '', by: isOurs ? HOST : issuer }
  }

  return async (program: string, request: Request): Promise<EnrolResponse> => {
    const { body, data } = await readJson(request, EnrolRequest)
    const { device, by, app } = data
    await checkSignature(request, body, device.key)
    const at = now()
    const known = await store.device(program, device.key)
    if (known?.revokedAt !== undefined) throw new JikoError('hub/revoked', 'this device was revoked')
    const {
      role,
      name,
      by: inviter,
    } = by.kind === 'token'
      ? await byToken(program, by.token, device.key, at)
      : ((await store.member(program, device.key)) ?? (await byCertificate(program, by.certificate, device.key)))
    await store.seeDevice(program, { key: device.key, app, at })
    await store.addMember(program, { key: device.key, role, name, enrolledAt: at, by: inviter })
    await writeAudit(store, program, { at, by: inviter, action: 'enrol', about: `${role} ${device.key}` })
    const certificate = await tokens.issue('certificate', program, device.key)
    return { jiko: 1, hub: { key: signer.key }, program, role, certificate }
  }
}

import type { Context, Hono } from 'hono'
import {
  AdmissionRequest,
  ChangeRequest,
  InviteRequest,
  RevokeRequest,
  type Right,
  TokenRequest,
} from '../../protocol/enrol.ts'
import { JikoError } from '../../protocol/error.ts'
import type { Schema } from '../../protocol/parse.ts'
import type { Signer } from '../../protocol/sign.ts'
import type { HubChange } from '../own-log.ts'
import type { HubEnv } from '../reader.ts'
import { checkSignature } from '../signature.ts'
import type { HubStore } from '../store/store.ts'
import { type Access, admissionOf, closeProgram, openProgram } from './access.ts'
import { writeAudit } from './audit.ts'
import { createEnrol, readJson } from './enrol.ts'
import { invite } from './invite.ts'
import { ACCESS_SECONDS, type Tokens } from './tokens.ts'

const HOUR = 3_600_000
const PAGE = 200
/** Setting with the address that people reach the hub at, with a slash at its end. */
export const ADDRESS = 'address'

export interface AccessRoutes {
  store: HubStore
  signer: Signer
  tokens: Tokens
  access: Access
  now: () => number
  /** @throws JikoError `hub/no-program`. */
  knownProgram(name: string): Promise<string>
  admit(device: string): void
  /** Says something about a record in the hub's own log, and answers its id. */
  say(program: string, change: HubChange, actor: string): Promise<string>
}

/**
 * A page elsewhere must not have the browser of whoever sits at the hub, or has a session here, do this.
 * @throws JikoError `hub/bad-request`.
 */
function checkOwnPage(request: Request): void {
  const origin = request.headers.get('origin')
  const site = request.headers.get('sec-fetch-site')
  const isOwn = (origin === null || URL.parse(origin)?.host === new URL(request.url).host) && site !== 'cross-site'
  if (isOwn && /^application\/json\b/.test(request.headers.get('content-type') ?? '')) return
  throw new JikoError('hub/bad-request', 'this is asked by the hub’s own pages, or by programs, as application/json')
}

/** Joining, tokens, and what administrators do. */
export function addAccessRoutes(app: Hono<{ Bindings: HubEnv }>, deps: AccessRoutes): void {
  const { store, signer, tokens, access, now, knownProgram, admit, say } = deps
  const enrol = createEnrol({ store, signer, tokens, now })
  type Ask = Context<{ Bindings: HubEnv }>
  const programOf = (c: Ask): Promise<string> => knownProgram(c.req.param('program') ?? '')

  async function administer<S extends Schema>(c: Ask, schema: S, right: Right = 'administer') {
    const program = await programOf(c)
    const by = await access.check(c.req.raw, c.env, program, right)
    checkOwnPage(c.req.raw)
    const { data } = await readJson(c.req.raw, schema)
    return { program, by, data, at: now() }
  }

  app.post('/v1/:program/enrol', async (c) => c.json(await enrol(await programOf(c), c.req.raw)))
  app.get('/v1/:program/nonce', async (c) =>
    c.json({ jiko: 1, nonce: await tokens.issue('nonce', await programOf(c), 'anybody') }),
  )
  app.post('/v1/:program/token', async (c) => {
    const program = await programOf(c)
    const { body, data } = await readJson(c.req.raw, TokenRequest)
    const { key } = data.device
    await checkSignature(c.req.raw, body, key)
    admit(key)
    await tokens.verify('nonce', data.nonce, program)
    const [member, device] = await Promise.all([store.member(program, key), store.device(program, key)])
    if (!member)
      throw new JikoError('hub/not-enrolled', `this device is no member of "${program}": ask for an invitation`)
    if (device?.revokedAt !== undefined) throw new JikoError('hub/revoked', 'this device was revoked')
    const token = await tokens.issue('access', program, key)
    return c.json({ jiko: 1, token, role: member.role, seconds: ACCESS_SECONDS })
  })

  app.post('/v1/:program/invitations', async (c) => {
    const { program, by, data, at } = await administer(c, InviteRequest)
    const { role, name, hours } = data
    const hub = (await store.setting(ADDRESS)) ?? `${new URL(c.req.url).origin}/`
    const made = await invite(store, { program, role, name, hub, hubKey: signer.key, life: hours * HOUR, by, now: at })
    return c.json({ jiko: 1, ...made }, 201)
  })
  app.post('/v1/:program/revoke', async (c) => {
    const { program, by, data, at } = await administer(c, RevokeRequest)
    if (!(await store.device(program, data.key))) {
      throw new JikoError('hub/unknown-device', 'no device here has this key')
    }
    await store.revokeDevice(program, data.key, at)
    await writeAudit(store, program, { at, by, action: 'revoke', about: data.key })
    return c.json({ jiko: 1 })
  })
  app.post('/v1/:program/admission', async (c) => {
    const { program, by, data, at } = await administer(c, AdmissionRequest)
    if (data.admission === 'open') await openProgram(store, program)
    else await closeProgram(store, program, at)
    await writeAudit(store, program, { at, by, action: 'admission', about: data.admission })
    return c.json({ jiko: 1 })
  })
  app.post('/v1/:program/changes', async (c) => {
    const { program, by, data, at } = await administer(c, ChangeRequest, 'review')
    const { change } = data
    if (change.kind === 'erase') await access.check(c.req.raw, c.env, program, 'administer')
    const name = (await store.member(program, by))?.name || by
    const id = await say(program, change, name.slice(0, 64))
    if (change.kind === 'erase') await writeAudit(store, program, { at, by, action: 'erase', about: change.ref })
    return c.json({ jiko: 1, id }, 201)
  })
  app.get('/v1/:program/members', async (c) => {
    const program = await programOf(c)
    await access.check(c.req.raw, c.env, program, 'administer')
    const [members, devices, admission] = await Promise.all([
      store.members(program),
      store.devices(program),
      admissionOf(store, program),
    ])
    return c.json({ jiko: 1, admission, members, devices })
  })
  app.get('/v1/:program/audit', async (c) => {
    const program = await programOf(c)
    await access.check(c.req.raw, c.env, program, 'administer')
    const [, at, id] = /^(\d{1,15})\/([\w-]{1,64})$/.exec(c.req.query('before') ?? '') ?? []
    const before = at !== undefined && id !== undefined ? { at: Number(at), id } : undefined
    return c.json({ jiko: 1, entries: await store.audit(program, { limit: PAGE, ...(before && { before }) }) })
  })
}

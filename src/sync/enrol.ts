import { utf8 } from '../lib/bytes.ts'
import { sha256 } from '../lib/sha256.ts'
import {
  type EnrolRequest,
  EnrolResponse,
  fingerprintOf,
  NonceResponse,
  parseInvitation,
  type Role,
  TokenResponse,
} from '../protocol/enrol.ts'
import { JikoError } from '../protocol/error.ts'
import { SIGNATURE_HEADER } from '../protocol/hub.ts'
import { parseJson, parseWith, type Schema } from '../protocol/parse.ts'
import type { RecordStore } from '../store/store.ts'
import { refusal } from './answer.ts'
import { type Outgoing, type Reply, send, type Transport } from './transport.ts'
import { createTrust } from './trust.ts'

/** What a phone keeps of having joined. */
export interface Enrolment {
  program: string
  role: Role
}

export interface EnrolDeps extends Transport {
  /** A phone's; a hub that joins another has a signer and settings as well. */
  store: Pick<RecordStore, 'signer' | 'getSetting' | 'setSetting' | 'streams'>
  /** Base address of the hub, with a slash at its end. */
  hubUrl: string
  /** The program that the phone's records go to now. */
  program: string
  app: string
}

/** Setting with the program that was joined: that of the next start. */
export const PROGRAM = 'program'
const settingOf = (hubUrl: string, program: string): string => `enrolment ${hubUrl} ${program}`

function read<S extends Schema>(reply: Reply, schema: S, what: string) {
  if (reply.status !== 200) throw refusal(reply)
  const text = new TextDecoder().decode(reply.body)
  return parseWith(schema, parseJson(text, 'sync/captive-portal', what), 'sync/bad-answer', what)
}

async function signedJson({ store }: EnrolDeps, request: object): Promise<Outgoing> {
  const body = utf8(JSON.stringify(request))
  const signature = await store.signer.sign(await sha256(body))
  return { method: 'POST', headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: signature }, body }
}

async function ask(by: EnrolRequest['by'], program: string, deps: EnrolDeps, signal?: AbortSignal) {
  const request: EnrolRequest = { v: 1, device: { key: deps.store.signer.key }, by, app: deps.app }
  const url = new URL(`v1/${program}/enrol`, deps.hubUrl).href
  return read(await send(url, await signedJson(deps, request), deps, signal), EnrolResponse, "the hub's answer")
}

/** @throws JikoError `sync/other-program`: lines that one program has would be missing from the other's count. */
async function checkProgram(program: string, deps: EnrolDeps): Promise<void> {
  if (program === deps.program) return
  if ((await deps.store.streams()).every(({ held }) => held === 0)) return
  throw new JikoError(
    'sync/other-program',
    `this phone already sends to "${deps.program}": use another phone or browser profile for "${program}"`,
    { detail: { program: deps.program, wanted: program } },
  )
}

/**
 * Joins by the link of an invitation, and believes from then on the hub that the link names. Repeatable, also after the
 * answer was lost.
 * @throws JikoError `sync/bad-invitation`, `sync/other-hub`, `sync/other-program`, `sync/hub-changed`, `sync/refused` with
 * what the hub said in `detail.hub`, `sync/...`.
 */
export async function enrol(link: string, deps: EnrolDeps, signal?: AbortSignal): Promise<Enrolment> {
  const { hub, program, fingerprint, token } = parseInvitation(link)
  if (new URL(hub).origin !== new URL(deps.hubUrl).origin) {
    throw new JikoError('sync/other-hub', `this invitation is of ${hub}: open the link itself in the browser`)
  }
  await checkProgram(program, deps)
  const answer = await ask({ kind: 'token', token }, program, deps, signal)
  if ((await fingerprintOf(answer.hub.key)) !== fingerprint) {
    throw new JikoError('sync/hub-changed', 'another hub answers than the one that invited: ask who runs it', {
      detail: { known: fingerprint, got: answer.hub.key },
    })
  }
  await createTrust(deps.store, deps.hubUrl, program).confirm(answer.hub.key)
  const { role, certificate } = answer
  await deps.store.setSetting(settingOf(deps.hubUrl, program), { role, certificate })
  await deps.store.setSetting(PROGRAM, program)
  return { program, role }
}

async function kept({ store, hubUrl, program }: EnrolDeps): Promise<{ role: Role; certificate: string } | undefined> {
  return (await store.getSetting(settingOf(hubUrl, program))) as { role: Role; certificate: string } | undefined
}

/** What this phone joined as, as far as it knows. */
export async function enrolment(deps: EnrolDeps): Promise<Enrolment | undefined> {
  const known = await kept(deps)
  return known && { program: deps.program, role: known.role }
}

/** Does `job`; where the hub knows us no more, because it was restored or is another of the program, joins again first. */
export async function asMember<T>(job: () => Promise<T>, deps: EnrolDeps, signal?: AbortSignal): Promise<T> {
  try {
    return await job()
  } catch (error) {
    if (!(error instanceof JikoError) || error.code !== 'sync/not-enrolled') throw error
    const known = await kept(deps)
    if (!known) throw error
    const again = await ask({ kind: 'certificate', certificate: known.certificate }, deps.program, deps, signal)
    await deps.store.setSetting(settingOf(deps.hubUrl, deps.program), {
      role: again.role,
      certificate: again.certificate,
    })
    return await job()
  }
}

/**
 * A token that reads what came in, for as long as `seconds`: `Authorization: Bearer`. Only the hub's clock counts.
 * @throws JikoError `sync/not-enrolled`, `sync/refused`, `sync/...`
 */
export async function fetchToken(
  deps: EnrolDeps,
  signal?: AbortSignal,
): Promise<{ token: string; role: Role; seconds: number }> {
  const url = (path: string): string => new URL(`v1/${deps.program}/${path}`, deps.hubUrl).href
  const first = await send(url('nonce'), { method: 'GET', headers: {} }, deps, signal)
  const { nonce } = read(first, NonceResponse, "the hub's nonce")
  const request = await signedJson(deps, { v: 1, device: { key: deps.store.signer.key }, nonce })
  const { token, role, seconds } = read(
    await send(url('token'), request, deps, signal),
    TokenResponse,
    "the hub's token",
  )
  return { token, role, seconds }
}

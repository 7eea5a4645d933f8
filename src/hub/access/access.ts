import { may, type Right } from '../../protocol/enrol.ts'
import { JikoError } from '../../protocol/error.ts'
import { type HubEnv, isLocal } from '../reader.ts'
import type { HubStore, Member } from '../store/store.ts'
import { bearerOf, type Tokens } from './tokens.ts'

/** `open`: whoever reaches the hub may send. `enrolled`: only members may. */
export type Admission = 'open' | 'enrolled'

/** Who works at the hub's own machine: asked for no token, since that machine holds the database. */
export const HOST = 'hub'

export interface Access {
  /** @throws JikoError `hub/not-enrolled`: nothing of who is no member is stored. */
  checkSender(program: string, key: string): Promise<void>
  /** @throws JikoError `hub/not-a-carrier`. */
  checkCarrier(program: string, key: string): Promise<void>
  /** Whether this device is a reviewer's or an administrator's: only these speak as supervisors. */
  maySupervise(program: string, key: string): Promise<boolean>
  /** A hub that is a member answers for those whose lines it carries. */
  vouch(program: string, device: string, carrier: string): Promise<void>
  /**
   * Who asks, when that one has the right: a person at this machine, or a member by token or session.
   * @throws JikoError `hub/not-a-reader`, `hub/not-allowed`, `hub/bad-token`, `hub/token-over`.
   */
  check(request: Request, env: HubEnv, program: string, right: Right): Promise<string>
}

const settingOf = (program: string): string => `admission ${program}`

export async function admissionOf(store: HubStore, program: string): Promise<Admission> {
  return (await store.setting(settingOf(program))) === 'enrolled' ? 'enrolled' : 'open'
}

export const openProgram = (store: HubStore, program: string): Promise<void> =>
  store.setSetting(settingOf(program), 'open')

/**
 * From now on only members may send. Those who did before stay: each is made a member first.
 * @returns whether it was open until now.
 */
export async function closeProgram(store: HubStore, program: string, at: number): Promise<boolean> {
  if ((await admissionOf(store, program)) === 'enrolled') return false
  for (const { key, app } of await store.devices(program)) {
    if (await store.member(program, key)) continue
    // A hub says so in what it runs; before there were members that was nobody's secret either.
    const role = app.startsWith('hub ') ? 'hub' : 'sender'
    await store.addMember(program, { key, role, name: '', enrolledAt: at, by: HOST })
  }
  await store.setSetting(settingOf(program), 'enrolled')
  return true
}

export interface AccessDeps {
  store: HubStore
  tokens: Tokens
  now: () => number
}

export function createAccess({ store, tokens, now }: AccessDeps): Access {
  async function strangerTo(program: string, key: string): Promise<boolean> {
    return (await admissionOf(store, program)) === 'enrolled' && !(await store.member(program, key))
  }

  async function activeMember(program: string, key: string): Promise<Member> {
    const [member, device] = await Promise.all([store.member(program, key), store.device(program, key)])
    if (member && device?.revokedAt === undefined) return member
    throw new JikoError('hub/not-allowed', 'who this token was given to is no member any more')
  }

  return {
    async checkSender(program, key) {
      if (!(await strangerTo(program, key))) return
      throw new JikoError(
        'hub/not-enrolled',
        `only members send to "${program}": ask for an invitation; nothing on this phone is lost`,
      )
    },
    async checkCarrier(program, key) {
      if ((await admissionOf(store, program)) === 'open') return
      const member = await store.member(program, key)
      if (member && may(member.role, 'carry')) return
      throw new JikoError(
        'hub/not-a-carrier',
        `only a hub that is a member passes on to "${program}": invite it as a hub`,
      )
    },
    async maySupervise(program, key) {
      const member = await store.member(program, key)
      return member !== undefined && may(member.role, 'review')
    },
    async vouch(program, device, carrier) {
      if (!(await strangerTo(program, device))) return
      await store.addMember(program, { key: device, role: 'sender', name: '', enrolledAt: now(), by: carrier })
    },
    async check(request, env, program, right) {
      const token = bearerOf(request, program)
      if (token === undefined) {
        if (isLocal(request, env)) return HOST
        throw new JikoError(
          'hub/not-a-reader',
          'what came in can be read only on the computer that runs the hub, at localhost, or by who was invited to',
        )
      }
      const { key } = await tokens.verify(token.kind, token.text, program)
      const member = await activeMember(program, key)
      if (may(member.role, right)) return key
      throw new JikoError('hub/not-allowed', `a ${member.role} of "${program}" may not do this`)
    },
  }
}

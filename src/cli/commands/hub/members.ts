import { renderUnicodeCompact } from 'uqr'
import { admissionOf, closeProgram, HOST, openProgram } from '../../../hub/access/access.ts'
import { writeAudit } from '../../../hub/access/audit.ts'
import { invite } from '../../../hub/access/invite.ts'
import { ADDRESS } from '../../../hub/access/routes.ts'
import { openSigner } from '../../../hub/data-folder.ts'
import { parseInvitation, type Role } from '../../../protocol/enrol.ts'
import { JikoError } from '../../../protocol/error.ts'
import { ProgramName } from '../../../protocol/hub.ts'
import { parseWith } from '../../../protocol/parse.ts'
import { enrol as enrolAt } from '../../../sync/enrol.ts'
import { time } from './data.ts'
import { checkProgram, type DataOptions, withStore } from './options.ts'

const HOUR = 3_600_000

export interface InviteOptions extends DataOptions {
  role: Role
  name: string
  hours: number
  count: number
  /** Address of the hub; where it said it is at its last start when left out. */
  url?: string
  json?: boolean
}

/** Prints links, with a QR code for each where a person looks. */
export const enrol = (program: string, { role, name, hours, count, url, json, ...at }: InviteOptions): Promise<void> =>
  withStore(at, async (store) => {
    await checkProgram(store, program)
    const hub = url ?? (await store.setting(ADDRESS))
    if (hub === undefined) {
      throw new JikoError(
        'hub/no-address',
        'this hub has not said where it is reached: give --url https://hub.example/',
      )
    }
    const { key: hubKey } = await openSigner(at.data, store, at.database)
    for (let i = 0; i < count; i++) {
      const now = Date.now()
      const made = await invite(store, { program, role, name, hub, hubKey, life: hours * HOUR, by: HOST, now })
      if (made.closed) {
        console.error(
          `"${program}" is for members only from now on; who sent before stays. \`jiko hub open\` undoes it.`,
        )
      }
      if (json) console.log(JSON.stringify({ program, role, link: made.link, expires: now + hours * HOUR }))
      else console.log(`${renderUnicodeCompact(made.link)}\n${made.link}\nFor one ${role}, within ${hours} hours.\n`)
    }
  })

export const addProgram = (name: string, at: DataOptions): Promise<void> =>
  withStore(at, async (store) => {
    const program = parseWith(ProgramName, name, 'cli/bad-name', 'the name of the program')
    const now = Date.now()
    if ((await store.programs()).includes(program)) {
      throw new JikoError('hub/bad-request', `there is a program "${program}" already`)
    }
    await store.addProgram(program, now)
    await closeProgram(store, program, now)
    await writeAudit(store, program, { at: now, by: HOST, action: 'program', about: program })
    console.log(`"${program}" is there, for members only: \`jiko hub enrol ${program}\` invites them.`)
  })

export const open = (program: string, at: DataOptions): Promise<void> =>
  withStore(at, async (store) => {
    await checkProgram(store, program)
    await openProgram(store, program)
    await writeAudit(store, program, { at: Date.now(), by: HOST, action: 'admission', about: 'open' })
    console.log(`Whoever reaches the hub may send to "${program}".`)
  })

export const close = (program: string, at: DataOptions): Promise<void> =>
  withStore(at, async (store) => {
    await checkProgram(store, program)
    const now = Date.now()
    await closeProgram(store, program, now)
    await writeAudit(store, program, { at: now, by: HOST, action: 'admission', about: 'enrolled' })
    console.log(`Only members may send to "${program}"; who sent before is one.`)
  })

/** A line for each member, and who is still awaited. */
export const printMembers = (program: string, { json, ...at }: DataOptions & { json?: boolean }): Promise<void> =>
  withStore(at, async (store) => {
    await checkProgram(store, program)
    const now = Date.now()
    const revoked = new Map((await store.devices(program)).map(({ key, revokedAt }) => [key, revokedAt]))
    for (const member of await store.members(program)) {
      const revokedAt = revoked.get(member.key)
      if (json) console.log(JSON.stringify({ ...member, ...(revokedAt !== undefined && { revokedAt }) }))
      else {
        const end = revokedAt === undefined ? '' : `; revoked ${time(revokedAt)}`
        console.log(
          `…${member.key.slice(-6)}  ${member.role}  ${member.name}  since ${time(member.enrolledAt)} UTC${end}`,
        )
      }
    }
    const awaited = (await store.invitations(program)).filter(({ used, expiresAt }) => !used && expiresAt > now)
    if (json) return
    if ((await admissionOf(store, program)) === 'open') console.log('Open: whoever reaches the hub may send.')
    if (awaited.length > 0) console.log(`${awaited.length} invitations are not used yet.`)
  })

const AUDIT_PAGE = 500

export const printAudit = (program: string, { json, ...at }: DataOptions & { json?: boolean }): Promise<void> =>
  withStore(at, async (store) => {
    await checkProgram(store, program)
    for (let before: { at: number; id: string } | undefined; ; ) {
      const entries = await store.audit(program, { limit: AUDIT_PAGE, ...(before && { before }) })
      for (const entry of entries) {
        console.log(
          json ? JSON.stringify(entry) : `${time(entry.at)} UTC  ${entry.by}  ${entry.action}  ${entry.about}`,
        )
      }
      before = entries.at(-1)
      if (entries.length < AUDIT_PAGE) return
    }
  })

/** Makes this hub a member of the one above, which from then on takes what it passes on. */
export const joinAbove = (link: string, at: DataOptions): Promise<void> =>
  withStore(at, async (store) => {
    const { hub, program } = parseInvitation(link)
    await checkProgram(store, program)
    const signer = await openSigner(at.data, store, at.database)
    const settings = {
      signer,
      getSetting: (name: string) => store.setting(name),
      setSetting: (name: string, value: unknown) => store.setSetting(name, String(value)),
      streams: async () => [],
    }
    const ask = (url: string, init: RequestInit): Promise<Response> => fetch(url, init)
    const joined = await enrolAt(link, { store: settings, fetch: ask, hubUrl: hub, program, app: 'hub' })
    await writeAudit(store, program, { at: Date.now(), by: HOST, action: 'join', about: hub })
    console.log(`This hub is a ${joined.role} of "${program}" at ${hub}: start it with --upstream ${hub}`)
  })

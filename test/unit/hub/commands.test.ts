import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { openDataFolder } from '../../../src/hub/data-folder.ts'
import { type RunningHub, serve } from '../../../src/hub/serve.ts'
import { fingerprintOf, parseInvitation } from '../../../src/protocol/enrol.ts'
import type { RecordBody } from '../../../src/protocol/record.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import { enrol } from '../../../src/sync/enrol.ts'
import { writeRecordBundle } from '../../../src/sync/record-bundle.ts'
import { resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub } from '../../helpers/test-hub.ts'

const folder = mkdtempSync(join(tmpdir(), 'jiko-hub-commands-'))
let folders = 0
const newFolder = (): string => join(folder, `${folders++}`)
const running: RunningHub[] = []
afterEach(async () => {
  for (const hub of running.splice(0)) await hub.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The `jiko hub` command in a process of its own. */
async function hub(...parameters: string[]): Promise<{ code: number | null; out: string; error: string }> {
  const child = spawn(process.execPath, ['src/cli/main.ts', 'hub', ...parameters])
  let [out, error] = ['', '']
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    error += chunk
  })
  const [code] = await once(child, 'close')
  return { code, out, error }
}

async function serving(data: string) {
  const { store, blobs, signer } = await openDataFolder(data)
  const served = await createTestHub({ store, blobs, signer, now: Date.now })
  running.push(await serve(served, { port: 0, host: '127.0.0.1' }))
  return { store, signer, url: `http://localhost:${running.at(-1)?.port}/` }
}

describe('jiko hub', () => {
  it('makes a program of members, invites a phone, says who is in and who did what', async () => {
    const data = newFolder()
    const { store, signer, url } = await serving(data)
    expect(await hub('add', 'coffee', '--data', data)).toMatchObject({ code: 0, error: '' })
    const invited = await hub('enrol', 'coffee', '--data', data, '--url', url, '--name', 'Asha', '--json')
    expect(invited).toMatchObject({ code: 0, error: '' })
    const { link } = JSON.parse(invited.out)
    expect(parseInvitation(link)).toMatchObject({
      hub: url,
      program: 'coffee',
      role: 'sender',
      fingerprint: await fingerprintOf(signer.key),
    })
    const phone = await openMemoryStore()
    const deps = {
      store: phone,
      fetch: (a: string, b: RequestInit) => fetch(a, b),
      hubUrl: url,
      program: 'coffee',
      app: 'a',
    }
    expect(await enrol(link, deps)).toEqual({ program: 'coffee', role: 'sender' })
    const listed = await hub('members', 'coffee', '--data', data)
    expect(listed.out).toMatch(new RegExp(`^…${phone.signer.key.slice(-6)}  sender  Asha`))
    const audit = await hub('audit', 'coffee', '--data', data, '--json')
    const actions = audit.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).action)
    expect(actions).toEqual(['enrol', 'invite', 'program'])
    await store.close()
  })

  it('prints a QR code for a person, and says what an invitation changes', async () => {
    const data = newFolder()
    await (await openDataFolder(data)).store.close()
    const { out, error } = await hub('enrol', '--data', data, '--url', 'https://hub.example')
    expect(out).toMatch(/[▀▄█]{10}/)
    expect(out).toContain('https://hub.example/#enrol/default/')
    expect(error).toContain('members only')
    expect((await hub('members', '--data', data)).out).toContain('1 invitations are not used yet')
    expect((await hub('open', '--data', data)).code).toBe(0)
    expect((await hub('members', '--data', data)).out).toContain('Open')
  })

  it('makes a hub a member of the one above', async () => {
    const [data, village] = [newFolder(), newFolder()]
    const { store, url } = await serving(data)
    const own = await openDataFolder(village)
    await own.store.close()
    const { link } = JSON.parse((await hub('enrol', '--role', 'hub', '--data', data, '--url', url, '--json')).out)
    const joined = await hub('join', link, '--data', village)
    expect(joined).toMatchObject({ code: 0, error: '' })
    expect(joined.out).toContain(`--upstream ${url}`)
    expect(await store.member('default', own.signer.key)).toMatchObject({ role: 'hub' })
    await store.close()
  })

  it('takes in the file of a phone that has no network, as often as it comes, and nothing that is none', async () => {
    const data = newFolder()
    const { store } = await openDataFolder(data)
    const phone = await openMemoryStore()
    for (const label of ['rust', 'miner']) await phone.append(JSON.parse(resultLine(label)) as RecordBody)
    const moment = () => ({ wall: 1, mono: 1, session: 's' })
    const chunks: Uint8Array[] = []
    for await (const chunk of writeRecordBundle({ store: phone, program: 'default', app: 'test', moment }))
      chunks.push(chunk)
    const file = join(folder, 'phone.bundle')
    writeFileSync(file, Buffer.concat(chunks))
    for (let time = 0; time < 2; time++) expect((await hub('import', file, '--data', data)).code).toBe(0)
    expect((await store.records('default', { limit: 9 })).map(({ seq }) => seq)).toEqual([1, 2])
    writeFileSync(file, 'a shopping list')
    const refused = await hub('import', file, '--data', data)
    expect([refused.code, refused.error]).toEqual([1, expect.stringContaining('not a bundle of records')])
    await store.close()
  })

  it.each([
    ['a name is none', ['add', 'Coffee Leaf!'], /lower-case/],
    ['nobody knows where the hub is', ['enrol'], /--url/],
    ['a link is none', ['join', 'hello'], /#enrol/],
    ['a place to move to is none', ['move', '--to', 'postgres://jiko:secret@localhost:1/x'], /localhost:1\/x/],
  ])('says in one line that %s', async (_, parameters, message) => {
    const data = newFolder()
    await (await openDataFolder(data)).store.close()
    const { code, error } = await hub(...parameters, '--data', data)
    expect([1, 2]).toContain(code)
    expect(error.trim().split('\n')).toHaveLength(1)
    expect(error).toMatch(message)
    expect(error).not.toContain('secret')
  })
})

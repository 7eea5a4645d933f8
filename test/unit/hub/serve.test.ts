import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createMemoryBlobs } from '../../../src/hub/blob-store/memory.ts'
import { openDataFolder } from '../../../src/hub/data-folder.ts'
import { openIdentity } from '../../../src/hub/identity.ts'
import { type RunningHub, serve } from '../../../src/hub/serve.ts'
import { MAX_SYNC_BYTES, type SyncResponse } from '../../../src/protocol/hub.ts'
import { EMPTY_HASH, nextHash } from '../../../src/protocol/log.ts'
import { createFakePhone, photoOf, resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub, type TestHub } from '../../helpers/test-hub.ts'

const folder = mkdtempSync(join(tmpdir(), 'jiko-hub-serve-'))
let folders = 0
const newFolder = (): string => join(folder, `${folders++}`)
const running: RunningHub[] = []
const children: ChildProcess[] = []
afterEach(async () => {
  for (const hub of running.splice(0)) await hub.close()
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function onSocket(
  change?: Parameters<typeof createTestHub>[0],
): Promise<{ hub: TestHub; url: string; port: number }> {
  const hub = await createTestHub(change)
  const served = await serve(hub, { port: 0, host: '127.0.0.1' })
  running.push(served)
  return { hub, url: `http://localhost:${served.port}`, port: served.port }
}

/** Says exactly this on a socket and returns what comes back. */
async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(text)
  let heard = ''
  socket.on('data', (chunk) => {
    heard += chunk
  })
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('close', resolve))
  return heard
}

const ask = (target: string, more = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${more}\r\n`

describe('a hub on a socket', () => {
  it('takes in a push, and shows it to this machine', async () => {
    const { url } = await onSocket()
    const phone = await createFakePhone()
    await phone.append(resultLine('rust'))
    const response = await fetch(await phone.seal(await phone.request({ from: 1 }), url))
    expect(((await response.json()) as SyncResponse).ack[phone.stream]).toMatchObject({ upto: 1 })
    expect((await (await fetch(`${url}/v1/default/records`)).text()).trim().split('\n')).toHaveLength(1)
  })

  it('does not take a name of its own from anybody', async () => {
    const { port } = await onSocket()
    const rebound = `GET /v1/default/records HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`
    expect(await say(port, rebound)).toMatch(/^HTTP\/1.1 403/)
  })

  it('behind a proxy tells phones apart by what it says, and takes nobody for the person at this machine', async () => {
    const hub = await createTestHub({
      rates: { address: { burst: 1, perSecond: 0.01 }, device: { burst: 9, perSecond: 9 } },
    })
    const served = await serve(hub, { port: 0, host: '127.0.0.1', isBehindProxy: true })
    running.push(served)
    const ask = async (forwarded: string) => {
      const headers = { 'x-forwarded-for': forwarded }
      return (await fetch(`http://localhost:${served.port}/v1/default/records`, { headers })).status
    }
    expect([await ask('10.0.0.1'), await ask('10.0.0.1'), await ask('10.0.0.1, 10.0.0.2')]).toEqual([403, 429, 403])
    expect(await ask('127.0.0.1')).toBe(403)
  })

  it('gives parts of a pack over several connections at once', async () => {
    const packsDir = newFolder()
    mkdirSync(packsDir)
    const weights = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))
    writeFileSync(join(packsDir, 'leaf.bin'), weights)
    const { port } = await onSocket({ packsDir })
    const parts = await Promise.all(
      [0, 1, 2].map(
        (i) =>
          new Promise<Buffer>((resolve, reject) => {
            const headers = { range: `bytes=${i * 100_000}-${i * 100_000 + 99_999}`, host: 'localhost' }
            const asked = httpRequest(
              { port, host: '127.0.0.1', path: '/packs/leaf.bin', headers, agent: false },
              (answer) => {
                const chunks: Buffer[] = []
                answer.on('data', (chunk) => chunks.push(chunk))
                answer.on('end', () => resolve(Buffer.concat(chunks)))
              },
            )
            asked.on('error', reject).end()
          }),
      ),
    )
    expect(Buffer.concat(parts).equals(weights)).toBe(true)
  })

  it.each([
    '/packs/../../../../etc/passwd',
    '/packs/..%2f..%2f..%2fetc%2fpasswd',
    '/../../etc/passwd',
    '//etc/passwd',
    '/packs/\\..\\..\\etc\\passwd',
    '/packs/%2e%2e/%2e%2e/etc/passwd',
    'http://localhost/packs/../../etc/passwd',
    '/%',
    '*',
  ])('gives nothing away to GET %s', async (target) => {
    const packsDir = newFolder()
    mkdirSync(packsDir)
    const { port } = await onSocket({ packsDir, appDir: packsDir })
    const heard = await say(port, ask(target))
    expect(heard).toMatch(/^HTTP\/1.1 4\d\d/)
    expect(heard).not.toContain('root:')
  })

  it('refuses a huge header and goes on', async () => {
    const { url, port } = await onSocket()
    expect(await say(port, ask('/healthz', `X-Long: ${'a'.repeat(20_000)}\r\n`))).toMatch(/^HTTP\/1.1 431/)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it('stops reading a body that does not end', async () => {
    const { url } = await onSocket()
    let given = 0
    const endless = new ReadableStream({
      pull(controller) {
        given += 65_536
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    const init = { method: 'POST', body: endless, headers: { 'content-encoding': 'gzip' }, duplex: 'half' }
    const status = await fetch(`${url}/v1/default/sync`, init).then(
      (response) => response.status,
      () => 'connection closed',
    )
    expect([413, 'connection closed']).toContain(status)
    expect(given).toBeLessThan(64 * MAX_SYNC_BYTES)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it('keeps what came of a photo before its connection was cut', async () => {
    const blobs = createMemoryBlobs()
    const { hub, url, port } = await onSocket({ blobs })
    const phone = await createFakePhone()
    const photo = new Uint8Array(50_000).fill(7)
    const attachment = await photoOf(photo)
    await phone.append(resultLine('rust', { attachments: [attachment] }))
    await hub.sync(phone, { from: 1 })
    const whole = await phone.patch(attachment.sha256, photo, url)
    const socket = connect(port, '127.0.0.1')
    const headers = [...whole.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
    socket.write(
      `PATCH ${new URL(whole.url).pathname} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n${headers}\r\n`,
    )
    socket.write(photo.slice(0, 20_000))
    await expect.poll(async () => (await blobs.status('default', attachment.sha256)).bytes).toBe(20_000)
    socket.destroy()
    const asked = await fetch(await phone.blobHead(attachment.sha256, url))
    expect(asked.headers.get('upload-offset')).toBe('20000')
    const rest = await phone.patch(attachment.sha256, photo.slice(20_000), url, { offset: 20_000 })
    expect((await fetch(rest)).status).toBe(201)
  })

  it('says in one line that its port is taken', async () => {
    const { port, hub } = await onSocket()
    await expect(serve(hub, { port, host: '127.0.0.1' })).rejects.toMatchObject({
      code: 'hub/cannot-listen',
      message: expect.stringContaining(`the port ${port} is already in use`),
    })
  })

  it('finishes what is under way before it stops', async () => {
    const { hub, url } = await onSocket()
    const phone = await createFakePhone()
    await phone.append(resultLine('rust'))
    const { append } = hub.store
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    hub.store.append = async (program, segment) => {
      reach()
      await released
      return await append(program, segment)
    }
    const answer = fetch(await phone.seal(await phone.request({ from: 1 }), url))
    await reached
    const closing = running.splice(0).map((served) => served.close())
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
    release()
    expect((await answer).status).toBe(200)
    await Promise.all(closing)
  })
})

describe('the data folder', () => {
  it('keeps the key of the hub, to its owner only', async () => {
    const data = newFolder()
    const first = await openDataFolder(data)
    await first.store.close()
    const second = await openDataFolder(data)
    expect(second.signer.key).toBe(first.signer.key)
    expect(await second.store.programs()).toEqual(['default'])
    await second.store.close()
    expect(statSync(join(data, 'hub-key.json')).mode & 0o777).toBe(0o600)
    expect(statSync(data).mode & 0o777).toBe(0o700)
  })

  it.each(['', 'not json', '{}', '{"publicKey":{},"privateKey":{}}'])(
    'does not replace the key file %j',
    async (text) => {
      const path = join(folder, `key-${folders++}.json`)
      writeFileSync(path, text)
      await expect(openIdentity(path)).rejects.toMatchObject({ code: 'hub/bad-key' })
    },
  )

  it('says in one line that it cannot be written', async () => {
    const file = join(folder, 'a-file')
    writeFileSync(file, '')
    await expect(openDataFolder(join(file, 'data'))).rejects.toMatchObject({
      code: 'hub/data-unwritable',
      message: expect.stringContaining('JIKO_DATA'),
    })
  })
})

describe('a hub that is killed between commit and answer', () => {
  /** Starts a hub that dies after so many commits (0: never). */
  async function start(commits: number, data: string): Promise<{ url: string; child: ChildProcess }> {
    const child = spawn(process.execPath, ['test/helpers/dying-hub.ts', String(commits), data], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const [chunk] = await once(child.stdout as NodeJS.ReadableStream, 'data')
    return { url: String(chunk).trim(), child }
  }

  it('counts the repeated push once, and the chain verifies', async () => {
    const data = newFolder()
    const phone = await createFakePhone()
    await phone.append(...Array.from({ length: 250 }, (_, i) => resultLine(`leaf ${i}`)))
    const batches = [
      { from: 1, to: 100 },
      { from: 101, to: 200 },
      { from: 201, to: 250 },
    ]
    const dying = await start(2, data)
    const exited = once(dying.child, 'exit')
    expect((await fetch(await phone.seal(await phone.request(batches[0]), dying.url))).status).toBe(200)
    await expect(fetch(await phone.seal(await phone.request(batches[1]), dying.url))).rejects.toThrow()
    expect((await exited)[1]).toBe('SIGKILL')

    const { url } = await start(0, data)
    for (const batch of batches) {
      const answer = (await (await fetch(await phone.seal(await phone.request(batch), url))).json()) as SyncResponse
      const upto = Math.max(200, batch.to)
      expect(answer.ack[phone.stream]).toMatchObject({ upto, hash: phone.hashAt(upto) })
    }
    const lines = (await (await fetch(`${url}/v1/default/records`)).text()).trim().split('\n')
    expect(lines).toHaveLength(250)
    let hash = EMPTY_HASH
    for (const [i, line] of lines.entries()) {
      expect(JSON.parse(line)).toMatchObject({ seq: i + 1, verdict: 'ok' })
      // The body is the exact text: taken out as it stands, not printed again.
      const [, body = ''] = /"body":(.*),"verdict":"ok","receivedAt":\d+}$/.exec(line) ?? []
      hash = await nextHash(hash, body)
    }
    expect(hash).toBe(phone.hashAt(250))
  })
})

describe('jiko hub', () => {
  function run(...parameters: string[]): ChildProcess {
    const child = spawn(process.execPath, ['src/cli/main.ts', 'hub', ...parameters])
    children.push(child)
    return child
  }

  async function ended(child: ChildProcess): Promise<{ code: number | null; out: string; error: string }> {
    let out = ''
    let error = ''
    child.stdout?.on('data', (chunk) => {
      out += chunk
    })
    child.stderr?.on('data', (chunk) => {
      error += chunk
    })
    const [code] = await once(child, 'close')
    return { code, out, error }
  }

  function builtApp(): string {
    const app = newFolder()
    mkdirSync(app)
    writeFileSync(join(app, 'index.html'), '<!doctype html><title>shell</title>')
    return app
  }

  it('says where it is, serves, stops when asked, and tells later what came in', async () => {
    const data = newFolder()
    const child = run('--port', '0', '--host', '127.0.0.1', '--data', data, '--app', builtApp())
    const end = ended(child)
    const [chunk] = await once(child.stdout as NodeJS.ReadableStream, 'data')
    const [, url = ''] = /(http:\/\/localhost:\d+)/.exec(String(chunk)) ?? []
    const phone = await createFakePhone()
    await phone.append(resultLine('rust'), resultLine('miner'))
    expect((await fetch(await phone.seal(await phone.request({ from: 1 }), url))).status).toBe(200)
    expect(await (await fetch(url)).text()).toContain('shell')
    child.kill('SIGTERM')
    const { code, out } = await end
    expect(code).toBe(0)
    expect(out).toContain(data)
    expect(out).toContain('/hub')

    const status = await ended(run('status', '--data', data, '--json'))
    expect(JSON.parse(status.out)).toEqual({
      program: 'default',
      records: 2,
      phones: 1,
      streams: 1,
      losses: [],
      missing: 0,
    })
    const exported = await ended(run('export', '--data', data))
    expect(
      exported.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).seq),
    ).toEqual([1, 2])
    expect(exported.code).toBe(0)

    const devices = await ended(run('devices', '--data', data, '--json'))
    expect(JSON.parse(devices.out)).toMatchObject({ key: phone.key, app: 'fake 1', logs: 1, records: 2, missing: 0 })
    const listed = await ended(run('devices', '--data', data))
    expect(listed.out.trim().split('\n')).toHaveLength(1)
    expect(listed.out).toMatch(new RegExp(`^…${phone.key.slice(-6)}  .*2 records in 1 logs`))
    const copied = await ended(run('backup', join(folder, 'copy.db'), '--data', data))
    expect([copied.code, copied.error]).toEqual([0, ''])
    expect(copied.out).toContain('hub-key.json')
    expect(statSync(join(folder, 'copy.db')).size).toBeGreaterThan(0)
  })

  it.each([
    ['the app is not built', ['--port', '0', '--app', '/nowhere'], /npm run build/],
    ['there is no such port', ['--port', '99999'], /0 to 65535/],
    ['there is no database', ['status', '--data', '/nowhere'], /--data/],
    ['there is no database to back up', ['backup', '/nowhere/copy.db', '--data', '/nowhere'], /--data/],
    ['there are no devices', ['devices', '--data', '/nowhere'], /--data/],
  ])('says in one line that %s', async (_, parameters, message) => {
    const { code, error } = await ended(run(...parameters))
    expect([1, 2]).toContain(code)
    expect(error.trim().split('\n')).toHaveLength(1)
    expect(error).toMatch(message)
  })

  it('revokes the one phone that is meant, and nobody when that is not clear', async () => {
    const data = newFolder()
    const { store } = await openDataFolder(data)
    for (const key of ['one-abcdef', 'two-abcdef', 'three-xyzxyz'])
      await store.seeDevice('default', { key, app: '', at: 1 })
    await store.close()
    expect((await ended(run('revoke', 'xyzxyz', '--data', data))).code).toBe(0)
    for (const ending of ['abcdef', 'nobody', 'yz', '']) {
      const { code, error } = await ended(run('revoke', ending, '--data', data))
      expect([code, error.trim().split('\n').length]).toEqual([1, 1])
    }
    const reopened = await openDataFolder(data)
    const revoked = (await reopened.store.devices('default')).filter(({ revokedAt }) => revokedAt !== undefined)
    expect(revoked.map(({ key }) => key)).toEqual(['three-xyzxyz'])
    await reopened.store.close()
  })

  it('says in one line that the hub above has no address', async () => {
    const { code, error } = await ended(
      run('--port', '0', '--data', newFolder(), '--app', builtApp(), '--upstream', 'district'),
    )
    expect([code, error.trim()]).toEqual([1, 'jiko: [hub/bad-upstream] "district" is not the http(s) address of a hub'])
  })

  it('says that a program is not there, and names those that are', async () => {
    const data = newFolder()
    await (await openDataFolder(data)).store.close()
    const { code, error } = await ended(run('export', 'coffee', '--data', data))
    expect([code, error.trim()]).toEqual([1, 'jiko: [hub/no-program] there is no program "coffee", only: default'])
  })
})

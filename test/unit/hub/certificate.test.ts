import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { readCertificate } from '../../../src/hub/certificate.ts'
import { type RunningHub, serve } from '../../../src/hub/serve.ts'
import { createFakePhone, resultLine } from '../../helpers/fake-phone.ts'
import { makeSelfSigned } from '../../helpers/self-signed.ts'
import { createTestHub } from '../../helpers/test-hub.ts'

const folder = mkdtempSync(join(tmpdir(), 'jiko-hub-tls-'))
const running: RunningHub[] = []
const children: ChildProcess[] = []
afterEach(async () => {
  for (const hub of running.splice(0)) await hub.close()
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
function write(text: string): string {
  const path = join(folder, `${files++}.pem`)
  writeFileSync(path, text)
  return path
}

/** Asks over HTTPS, trusting nothing but this certificate. */
async function ask(
  url: string,
  ca: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: Uint8Array } = {},
): Promise<{ status: number | undefined; text: string }> {
  const asked = request(url, { ca, method, headers, agent: false })
  asked.end(body)
  const [response] = await once(asked, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, text }
}

describe('a hub with a certificate', () => {
  it('takes in a push over HTTPS, shows it to this machine, and speaks nothing else on that port', async () => {
    const { cert, key } = makeSelfSigned()
    const hub = await createTestHub()
    const certificate = await readCertificate(write(cert), write(key))
    const served = await serve(hub, { port: 0, host: '127.0.0.1', certificate })
    running.push(served)
    const url = `https://localhost:${served.port}`
    const phone = await createFakePhone()
    await phone.append(resultLine('rust'))
    const sealed = await phone.seal(await phone.request({ from: 1 }), url)
    const body = new Uint8Array(await sealed.clone().arrayBuffer())
    const answer = await ask(sealed.url, cert, { method: 'POST', headers: Object.fromEntries(sealed.headers), body })
    expect(JSON.parse(answer.text).ack[phone.stream]).toMatchObject({ upto: 1 })
    const records = await ask(`${url}/v1/default/records`, cert)
    expect([records.status, records.text.trim().split('\n').length]).toEqual([200, 1])
    await expect(ask(`${url}/healthz`, makeSelfSigned().cert)).rejects.toThrow(/certificate|signature/)
    await expect(fetch(`http://localhost:${served.port}/healthz`)).rejects.toThrow()
  })
})

describe('certificate and key that do not serve', () => {
  const { cert, key } = makeSelfSigned()
  const other = makeSelfSigned()
  it.each([
    ['a key of another certificate', cert, other.key, /is not the key of the certificate/],
    ['no certificate', 'hello', key, /is not a certificate in PEM/],
    ['no key', cert, 'hello', /is not a private key/],
    ['the two exchanged', key, cert, /is not a certificate in PEM/],
    ['an empty file', '', key, /is not a certificate in PEM/],
  ])('%s is told apart', async (_, certText, keyText, message) => {
    const reading = readCertificate(write(certText), write(keyText))
    await expect(reading).rejects.toMatchObject({
      code: 'hub/bad-certificate',
      message: expect.stringMatching(message),
    })
  })

  it('a file that is not there is named, and the option', async () => {
    await expect(readCertificate(write(cert), join(folder, 'nowhere.pem'))).rejects.toMatchObject({
      code: 'hub/bad-certificate',
      message: expect.stringMatching(/nowhere\.pem cannot be read \(ENOENT\).*--tls-key/),
    })
  })
})

describe('jiko hub --tls-cert --tls-key', () => {
  const MAIN = `import { hubCommand } from './src/cli/commands/hub.ts'
    await hubCommand().parseAsync(process.argv.slice(1), { from: 'user' }).catch((error) => {
      console.error(error.message)
      process.exitCode = 1
    })`

  function run(...parameters: string[]): ChildProcess {
    const app = join(folder, 'app')
    mkdirSync(app, { recursive: true })
    writeFileSync(join(app, 'index.html'), '<!doctype html><title>shell</title>')
    const all = ['--port', '0', '--app', app, '--data', join(folder, 'data'), ...parameters]
    const child = spawn(process.execPath, ['--input-type=module', '-e', MAIN, '--', ...all])
    children.push(child)
    return child
  }

  it('says https everywhere, asks for no proxy, and answers there', async () => {
    const { cert, key } = makeSelfSigned()
    const child = run('--tls-cert', write(cert), '--tls-key', write(key))
    const [said] = await once(child.stdout as NodeJS.ReadableStream, 'data')
    const [, url = ''] = /(https:\/\/localhost:\d+)\n/.exec(String(said)) ?? []
    expect(String(said)).not.toMatch(/http:|TLS proxy/)
    expect((await ask(url, cert)).text).toContain('shell')
  })

  it.each([
    ['--tls-cert', /--tls-cert is given without --tls-key/],
    ['--tls-key', /--tls-key is given without --tls-cert/],
  ])('says in one line that %s alone is not enough', async (option, message) => {
    const child = run(option, write('x'))
    let said = ''
    child.stderr?.on('data', (chunk) => {
      said += chunk
    })
    const [code] = await once(child, 'close')
    expect([code, said.trim().split('\n').length]).toEqual([1, 1])
    expect(said).toMatch(message)
  })
})

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HubRecord } from '../../src/protocol/hub.ts'

export interface HubProcess {
  readonly url: string
  readonly data: string
  /** What came in, as anybody on this machine can read it. */
  records(): Promise<HubRecord[]>
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Without waiting for what comes of it. */
  signal(signal: NodeJS.Signals): void
}

/** The real hub as a user starts it, in a process of its own, on a free port (or a given one, to come back at the same address). */
export async function startHub({
  data,
  port = 0,
  packs,
  args: more = [],
}: {
  data?: string
  port?: number
  packs?: string
  /** Further options of the command. */
  args?: readonly string[]
} = {}): Promise<HubProcess> {
  const folder = data ?? (await mkdtemp(join(tmpdir(), 'jiko-hub-')))
  const args = ['src/cli/main.ts', 'hub', '--port', String(port), '--data', folder]
  const child = spawn(process.execPath, [...args, ...(packs === undefined ? [] : ['--packs', packs]), ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const url = await startedAt(child)
  return {
    url,
    data: folder,
    async records() {
      const response = await fetch(`${url}/v1/default/records`)
      if (!response.ok) throw new Error(`the hub answered ${response.status}: ${await response.text()}`)
      const lines = (await response.text()).split('\n').filter((line) => line !== '')
      return lines.map((line) => JSON.parse(line) as HubRecord)
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill(signal)
      await once(child, 'exit')
    },
    signal: (signal) => void child.kill(signal),
  }
}

export const deleteHubData = (hub: Pick<HubProcess, 'data'>): Promise<void> =>
  rm(hub.data, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })

function startedAt(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const listen = (chunk: Buffer): void => {
      said += chunk.toString()
      const [, port] = /http:\/\/localhost:(\d+)/.exec(said) ?? []
      // 127.0.0.1 and localhost are two origins; the link that is printed is the one to use.
      if (port) resolve(`http://localhost:${port}`)
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('exit', (code) => reject(new Error(`the hub ended with ${code} before it was ready:\n${said}`)))
  })
}

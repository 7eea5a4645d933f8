import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { sleep as realSleep } from '../../lib/abort.ts'
import { backoff } from '../../lib/backoff.ts'
import { JikoError } from '../../protocol/error.ts'
import { createAsk, type HubDeps, MOST_TRIES } from './request.ts'

export interface FileJob {
  url: string
  /** Where it shall be, whole and verified. */
  path: string
  /** Bytes that it may have. */
  limit: number
}

/** What a hub says of a file before it sends it. */
interface Announced {
  readonly size: number | undefined
  /** Without quotes and `W/`: for files in LFS their SHA-256, for others Git's SHA-1 of them. */
  readonly etag: string | undefined
}

const REDIRECTS = 5
const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0
const wholeSize = (text: string | null): number | undefined =>
  text && /^\d{1,15}$/.test(text) ? Number(text) : undefined

/**
 * Fetches a file into a folder that keeps it: what is there and right is not fetched again, what was cut goes on where it
 * was, and the file has its name only when size and digest are right.
 * @throws JikoError `download/too-large`, `download/corrupt`, `download/cut`, `cli/cannot-write` and those of asking.
 */
export async function fetchFile(
  { url, path, limit }: FileJob,
  deps: HubDeps,
  onProgress?: (done: number, total: number) => void,
): Promise<'kept' | 'fetched'> {
  const ask = createAsk(deps)
  const { sleep = realSleep, signal } = deps
  const { size, etag } = await announced(url)
  checkSize(size ?? 0)
  if (etag && isDigest(etag) && (await sizeOf(path)) === (size ?? (await sizeOf(path))) && (await matches(path, etag)))
    return 'kept'
  // Named by what it is a part of, so that it is never continued with another file's bytes.
  const part = `${path}.${createHash('sha256')
    .update(etag ?? '')
    .digest('hex')
    .slice(0, 12)}.part`
  await writing(mkdir(dirname(path), { recursive: true }))
  // Without a digest nothing would tell a part of yesterday's file.
  if (!etag || !isDigest(etag)) await rm(part, { force: true })
  let total = size
  for (let vain = 0; ; vain++) {
    const before = await sizeOf(part)
    if (total !== undefined && before > total) await rm(part, { force: true })
    if (total === undefined || before !== total)
      await stream(before).catch(async (error) => {
        signal?.throwIfAborted()
        if (error instanceof JikoError) throw error
      })
    const now = await sizeOf(part)
    if (total !== undefined && now === total) break
    if (now > before) vain = -1
    if (vain + 1 >= MOST_TRIES)
      throw new JikoError(
        'download/cut',
        `${url} was cut ${MOST_TRIES} times at ${now} of ${total ?? '?'} bytes; run it again, it goes on from there.`,
      )
    await sleep(backoff(Math.max(0, vain)), signal)
  }
  if (etag && isDigest(etag) && !(await matches(part, etag))) {
    await rm(part, { force: true })
    throw new JikoError('download/corrupt', `${url} came with other bytes than the hub says it has; run it again.`)
  }
  await writing(rename(part, path))
  return 'fetched'

  function checkSize(bytes: number): void {
    if (bytes <= limit) return
    throw new JikoError('download/too-large', `${url} has ${bytes} bytes or more; at most ${limit} are read.`)
  }

  /** The facts of the first answer that has them: a redirect to storage says more of the file than the storage does. */
  async function announced(first: string): Promise<Announced> {
    let address = first
    for (let hop = 0; hop < REDIRECTS; hop++) {
      const { headers, status } = await ask(address, {
        method: 'HEAD',
        redirect: 'manual',
        headers: { 'accept-encoding': 'identity' },
      })
      const linked = headers.get('x-linked-etag')
      const location = headers.get('location')
      if (linked || status < 300 || !location) {
        const length = headers.get('x-linked-size') ?? (linked ? null : headers.get('content-length'))
        return { size: wholeSize(length), etag: (linked ?? headers.get('etag'))?.replace(/^(?:W\/)?"?|"$/g, '') }
      }
      address = nextAddress(address, location)
    }
    throw new JikoError('download/refused', `${url} redirects more than ${REDIRECTS} times.`)
  }

  async function stream(from: number): Promise<void> {
    let address = url
    let response: Response
    for (let hop = 0; ; hop++) {
      const headers = { 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) }
      response = await ask(address, { headers, redirect: 'manual' })
      const location = response.headers.get('location')
      if (response.status < 300 || !location) break
      await response.body?.cancel()
      if (hop >= REDIRECTS) throw new JikoError('download/refused', `${url} redirects more than ${REDIRECTS} times.`)
      address = nextAddress(address, location)
    }
    const [, start, whole] = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? []
    const goesOn = response.status === 206 && Number(start) === from
    if (response.status !== 200 && !goesOn) {
      await response.body?.cancel()
      throw new Error(`unexpected answer ${response.status}`)
    }
    total ??= wholeSize(goesOn ? (whole ?? null) : response.headers.get('content-length'))
    checkSize(total ?? 0)
    let done = goesOn ? from : 0
    const file = await writing(open(part, goesOn ? 'a' : 'w'))
    try {
      if (response.body)
        for await (const piece of response.body) {
          done += piece.length
          checkSize(done)
          if (total !== undefined && done > total) throw await tooMuch()
          await writing(file.writeFile(piece))
          onProgress?.(done, total ?? done)
        }
      await writing(file.sync())
    } finally {
      await file.close()
    }
    // A body that ended well says its size when nothing else did.
    total ??= done
  }

  async function tooMuch(): Promise<JikoError> {
    await rm(part, { force: true })
    return new JikoError('download/corrupt', `${url} sends more than the ${total} bytes that it said it has.`)
  }
}

function nextAddress(from: string, location: string): string {
  const next = URL.canParse(location, from) ? new URL(location, from) : undefined
  const safe = next && (next.protocol === 'https:' || (next.protocol === 'http:' && from.startsWith('http:')))
  if (safe) return next.href
  throw new JikoError('download/refused', `${from} redirects to "${location}", which is not a safe address.`)
}

const isDigest = (etag: string): boolean => /^(?:[0-9a-f]{64}|[0-9a-f]{40})$/.test(etag)

async function matches(path: string, etag: string): Promise<boolean> {
  const { size } = (await stat(path).catch(() => undefined)) ?? {}
  if (size === undefined) return false
  const hash = createHash(etag.length === 64 ? 'sha256' : 'sha1')
  // As Git names a file's content.
  if (etag.length === 40) hash.update(`blob ${size}\0`)
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex') === etag
}

async function writing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw new JikoError('cli/cannot-write', `Cannot keep what was fetched: ${(cause as Error).message}`, { cause })
  }
}

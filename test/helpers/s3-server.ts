import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export const KEYS = { accessKeyId: 'JIKOKEY', secretAccessKey: 'a very secret key' }
export const BUCKET = 'jiko-photos'
const REGION = 'eu-west-1'
const PAGE = 3

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const hashOf = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

/** The signature of Amazon's "Signature Version 4", computed from its specification and not by the client's code. */
function isSigned(request: IncomingMessage, url: URL, body: Buffer): boolean {
  const { headers, method = '' } = request
  const [, credential = '', signedHeaders = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? []
  const [id, day = '', region = '', service = '', end = ''] = credential.split('/')
  const payload = String(headers['x-amz-content-sha256'])
  if (id !== KEYS.accessKeyId || region !== REGION || payload !== hashOf(body)) return false
  const query = [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
  const canonical = [
    method,
    url.pathname,
    query,
    ...signedHeaders.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signedHeaders,
    payload,
  ].join('\n')
  const scope = [day, region, service, end].join('/')
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hashOf(canonical)].join('\n')
  const key = [region, service, end].reduce<Buffer>(hmac, hmac(`AWS4${KEYS.secretAccessKey}`, day))
  return hmac(key, text).toString('hex') === signature
}

/** An object store of this test's own: it refuses what is not signed right, and lists a few keys at a time. */
export async function startS3() {
  const objects = new Map<string, { body: Buffer; at: Date }>()
  let refused = 0
  let failing = 0
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const url = new URL(request.url ?? '/', 'http://localhost')
    const answer = (status: number, text: string | Buffer = '', headers = {}): void => {
      response.writeHead(status, { 'content-length': Buffer.byteLength(text), ...headers })
      response.end(request.method === 'HEAD' ? undefined : text)
    }
    if (failing > 0) {
      failing -= 1
      return answer(503, '<Error><Code>SlowDown</Code></Error>')
    }
    if (!isSigned(request, url, body)) {
      refused += 1
      return answer(403, '<Error><Code>SignatureDoesNotMatch</Code></Error>')
    }
    const [, bucket, ...rest] = url.pathname.split('/')
    if (bucket !== BUCKET) return answer(404, '<Error><Code>NoSuchBucket</Code></Error>')
    const key = rest.join('/')
    const stored = objects.get(key)
    if (request.method === 'PUT') objects.set(key, { body, at: new Date() })
    else if (request.method === 'DELETE') objects.delete(key)
    else if (key === '') {
      const after = url.searchParams.get('continuation-token') ?? ''
      const keys = [...objects.keys()].filter((one) => one.startsWith(url.searchParams.get('prefix') ?? '')).sort()
      const page = keys.filter((one) => one > after).slice(0, PAGE)
      const more = keys.some((one) => one > (page.at(-1) ?? after))
      const contents = page.map((one) => {
        const { body: bytes, at } = objects.get(one) ?? { body: '', at: new Date(0) }
        return `<Contents><Key>${one}</Key><LastModified>${at.toISOString()}</LastModified><Size>${bytes.length}</Size></Contents>`
      })
      const next = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
      return answer(200, `<?xml version="1.0"?><ListBucketResult>${contents.join('')}${next}</ListBucketResult>`)
    } else return stored ? answer(200, stored.body) : answer(404, '<Error><Code>NoSuchKey</Code></Error>')
    answer(request.method === 'DELETE' ? 204 : 200)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    endpoint,
    region: REGION,
    objects,
    refused: () => refused,
    /** The next so many requests are answered 503. */
    fail(times: number): void {
      failing = times
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

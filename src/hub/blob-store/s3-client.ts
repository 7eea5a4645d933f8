import { AwsClient } from 'aws4fetch'
import type { Bytes } from '../../lib/bytes.ts'
import { sha256Hex } from '../../lib/sha256.ts'
import { JikoError } from '../../protocol/error.ts'

/** A bucket of Amazon S3 or of anything that speaks like it: MinIO, Garage, Ceph, a provider's own. */
export interface Bucket {
  /** Address of the service, without the bucket: `https://s3.eu-west-1.amazonaws.com`. */
  endpoint: string
  bucket: string
  /** Before every key; ends with a slash, or is empty. */
  prefix: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

export interface StoredObject {
  key: string
  bytes: number
  /** Milliseconds since 1970, by the service's clock. */
  at: number
}

const RETRIES = 3

/** The text of the elements of that name; what we ask for has neither attributes nor anything inside. */
const elements = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text = '']) => text)

/** The few calls that a blob store needs. Keys are letters, digits, hyphens and slashes. */
export function createS3Client({ endpoint, bucket, prefix, region, ...keys }: Bucket) {
  const aws = new AwsClient({ ...keys, region, service: 's3', retries: RETRIES })
  const base = `${endpoint.replace(/\/$/, '')}/${bucket}`
  const addressOf = (key: string): string => `${base}/${prefix}${key}`

  /** @throws JikoError `hub/blob-store`; never with what signs. */
  async function ask(method: string, url: string, body?: Bytes): Promise<Response> {
    const hash = await sha256Hex(body ?? new Uint8Array(0))
    let response: Response
    try {
      response = await aws.fetch(url, {
        method,
        headers: { 'x-amz-content-sha256': hash },
        ...(body && { body }),
      })
    } catch (cause) {
      throw new JikoError('hub/blob-store', `the object store at ${endpoint} cannot be reached`, { cause })
    }
    if (response.ok || response.status === 404) return response
    const [code = ''] = elements(await response.text(), 'Code')
    throw new JikoError(
      'hub/blob-store',
      `the object store answered ${response.status} ${code} to ${method} in ${bucket}`,
    )
  }

  return {
    async put(key: string, body: Bytes): Promise<void> {
      const { status } = await ask('PUT', addressOf(key), body)
      if (status === 404) throw new JikoError('hub/blob-store', `the object store has no bucket ${bucket}`)
    },
    /** Its size, undefined where there is none. */
    async size(key: string): Promise<number | undefined> {
      const response = await ask('HEAD', addressOf(key))
      return response.status === 404 ? undefined : Number(response.headers.get('content-length'))
    },
    async get(key: string): Promise<Response | undefined> {
      const response = await ask('GET', addressOf(key))
      return response.status === 404 ? undefined : response
    },
    async remove(key: string): Promise<void> {
      await ask('DELETE', addressOf(key))
    },
    /** All objects whose keys begin so, by key. */
    async list(beginning: string): Promise<StoredObject[]> {
      const found: StoredObject[] = []
      for (let token: string | undefined; ; ) {
        const query = new URLSearchParams({
          'list-type': '2',
          prefix: prefix + beginning,
          ...(token !== undefined && { 'continuation-token': token }),
        })
        const response = await ask('GET', `${base}?${query}`)
        if (response.status === 404) throw new JikoError('hub/blob-store', `the object store has no bucket ${bucket}`)
        const xml = await response.text()
        for (const [, content = ''] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
          const [key = ''] = elements(content, 'Key')
          const [size] = elements(content, 'Size')
          const [at = ''] = elements(content, 'LastModified')
          found.push({ key: key.slice(prefix.length), bytes: Number(size), at: Date.parse(at) })
        }
        token = elements(xml, 'NextContinuationToken')[0]?.replaceAll('&amp;', '&')
        if (token === undefined) return found
      }
    },
  }
}
export type S3Client = ReturnType<typeof createS3Client>

/**
 * A bucket by `s3://bucket/prefix` and the variables that Amazon's own tools read.
 * @throws JikoError `hub/bad-bucket` saying what is missing.
 */
export function parseBucket(url: string, env: Readonly<Record<string, string | undefined>>): Bucket {
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})(?:\/([a-z0-9/-]*))?$/.exec(url) ?? []
  if (bucket === undefined) {
    throw new JikoError('hub/bad-bucket', 'expected s3://bucket/prefix with lower-case letters, digits and hyphens')
  }
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env
  if (!accessKeyId || !secretAccessKey) {
    throw new JikoError(
      'hub/bad-bucket',
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: who may write to the bucket',
    )
  }
  const region = env.AWS_REGION ?? 'us-east-1'
  return {
    endpoint: env.AWS_ENDPOINT_URL ?? `https://s3.${region}.amazonaws.com`,
    bucket,
    prefix: path === '' || path.endsWith('/') ? path : `${path}/`,
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
  }
}

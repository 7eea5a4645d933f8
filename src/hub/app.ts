import { type Context, Hono } from 'hono'
import { JikoError } from '../protocol/error.ts'
import { UPLOAD_OFFSET_HEADER } from '../protocol/hub.ts'
import type { Role } from '../protocol/record.ts'
import type { Signer } from '../protocol/sign.ts'
import { createAccess } from './access/access.ts'
import { addEnterRoutes } from './access/enter.ts'
import { addAccessRoutes } from './access/routes.ts'
import { createTokens } from './access/tokens.ts'
import type { BlobStore } from './blob-store/blob-store.ts'
import { createBlobs } from './blobs.ts'
import { carryOutErasures } from './erase.ts'
import { exportResponse, isFormat } from './export/export.ts'
import { describeFailure } from './failure.ts'
import { createFiles } from './files/files.ts'
import { createPackFiles } from './files/packs.ts'
import { createForwarder, type Forwarder, type ForwardOptions } from './forward/forward.ts'
import { createMetrics } from './metrics.ts'
import { createHubLog, type HubChange } from './own-log.ts'
import { createPage, styleSheet } from './page/routes.ts'
import { createRateLimit, type Rate } from './rate-limit.ts'
import { checkHost, type HubEnv } from './reader.ts'
import { parsePlace, streamRecords } from './records.ts'
import { addSecurityHeaders } from './security-headers.ts'
import type { HubStore } from './store/store.ts'
import { createSync } from './sync.ts'

export interface HubOptions {
  store: HubStore
  blobs: BlobStore
  /** The hub's own key: it signs receipts. */
  signer: Signer
  version: string
  /** Built app and packs; without them those paths are not found. */
  appDir?: string
  packsDir?: string
  /** Packs that were copied from the hub above; served beside those of `packsDir`, the newer version of each. */
  mirroredDir?: string
  /** Address of the hub above: what comes in is held here, and final once the root at the top says so. */
  upstream?: string
  upstreamKey?: string
  /** How the hub above is reached, and how one waits for it. */
  upstreamLink?: Partial<Pick<ForwardOptions, 'fetch' | 'sleep' | 'random' | 'watchdog'>>
  /** Milliseconds since 1970. */
  now?: () => number
  /** Takes one line for each request, without secrets. */
  log?: (line: string) => void
  /** Takes what went wrong inside the hub, which no answer says. */
  report?: (line: string) => void
  /** What one address, and one device, may ask of the hub; and one address of app and packs. */
  rates?: { address: Rate; device: Rate; files?: Rate }
}

export interface Hub {
  fetch(request: Request, env?: HubEnv): Promise<Response>
  /** Passes on what came in, where a hub stands above; when to do so is the caller's to say. */
  forwarder?: Forwarder
  /**
   * Says something about a record, in the hub's own log: it goes up to the root, and down to the phone that wrote it. An
   * order to erase is carried out before this resolves.
   * @param actor who says it, as this hub knows them: the caller has checked that they may.
   * @throws JikoError `hub/bad-request`, `hub/no-record`.
   */
  say(program: string, change: HubChange, actor: string, role?: Role): Promise<string>
  /** Calls back when something came in. */
  subscribe(listener: () => void): () => void
}

/** A classroom of phones behind one address syncs without a pause; a photo in 8 KB pieces is some 50 requests of one device. */
const RATES = {
  address: { burst: 2000, perSecond: 200 },
  device: { burst: 400, perSecond: 40 },
  // An app is some 50 files, a pack a few hundred pieces.
  files: { burst: 10_000, perSecond: 1000 },
}

const HASHED_ASSET = /^assets\/.+-[\w-]{8,}\.\w+$/

type Environment = { Bindings: HubEnv }

/** The hub as a function from request to response: everything else of it is around this. */
export function createHub(options: HubOptions): Hub {
  const {
    store,
    blobs,
    signer,
    version,
    appDir,
    packsDir,
    mirroredDir,
    upstream,
    upstreamKey,
    upstreamLink,
    now = Date.now,
    log,
    report,
    rates = RATES,
  } = options
  const level = upstream === undefined ? 'final' : 'held'
  const addresses = createRateLimit(rates.address, now)
  const devices = createRateLimit(rates.device, now)
  const visitors = createRateLimit(rates.files ?? RATES.files, now)
  const admit = (device: string): void => devices.take(device)
  const listeners = new Set<() => void>()
  const onNews = (): void => {
    for (const listener of listeners) queueMicrotask(listener)
  }
  const forwarder =
    upstream === undefined
      ? undefined
      : createForwarder({
          store,
          blobs,
          signer,
          upstream,
          app: `hub ${version}`,
          now,
          fetch: (url, init) => fetch(url, init),
          ...(upstreamKey !== undefined && { upstreamKey }),
          ...upstreamLink,
        })
  const tokens = createTokens(signer, now)
  const access = createAccess({ store, tokens, now })
  const sync = createSync({ store, blobs, signer, access, isRoot: upstream === undefined, now, admit, onNews })
  const own = createHubLog({ store, signer, now, version })
  const attachments = createBlobs({ store, blobs, now, admit, onNews })
  const metrics = createMetrics({ store, version, ...(forwarder && { forwarder }) })
  const page = createPage({ store, blobs, level })
  const appFiles =
    appDir && createFiles({ root: appDir, ranges: false, isImmutable: (path) => HASHED_ASSET.test(path) })
  const packFolders = [mirroredDir, packsDir].filter((folder) => folder !== undefined)
  const packFiles = packFolders.length > 0 && createPackFiles(packFolders)

  async function knownProgram(name: string): Promise<string> {
    if ((await store.programs()).includes(name)) return name
    throw new JikoError('hub/no-program', `there is no program ${JSON.stringify(name.slice(0, 64))} at this hub`)
  }

  const nothingAt = (c: Context): JikoError =>
    new JikoError('hub/not-found', `there is nothing at ${c.req.method} ${c.req.path.slice(0, 100)}`)
  const notFound = (c: Context): never => {
    throw nothingAt(c)
  }

  const say: Hub['say'] = async (program, change, actor, role) => {
    const id = await own.append(program, change, actor, role)
    await carryOutErasures({ store, blobs, authority: signer.key }, program)
    onNews()
    return id
  }

  const app = new Hono<Environment>()

  app.use(async (c, next) => {
    const start = now()
    await next()
    // What phones and programs ask is about now; files say for themselves how long they keep.
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store')
    addSecurityHeaders(c.res.headers)
    const took = now() - start
    metrics.count(c.req.method, c.req.path, c.res.status, took)
    log?.(`${c.req.method} ${c.req.path} ${c.res.status} ${took} ms ${c.env.remoteAddress ?? '-'}`)
  })

  app.onError((error, c) => {
    const { status, body } = describeFailure(error)
    if (status === 500) report?.(`failed at ${c.req.method} ${c.req.path}: ${error.stack ?? error.message}`)
    if (error instanceof JikoError) {
      if (error.detail.retryAfter !== undefined) c.header('retry-after', String(error.detail.retryAfter))
      if (error.detail.offset !== undefined) c.header(UPLOAD_OFFSET_HEADER, String(error.detail.offset))
    }
    return c.json(body, status)
  })
  // Answered, not thrown: where nothing but the middleware above matches, an error would pass it by.
  app.notFound((c) => {
    const { status, body } = describeFailure(nothingAt(c))
    return c.json(body, status)
  })

  app.get('/healthz', async (c) => {
    const programs = await store.programs()
    const counts = await Promise.all(programs.map((program) => store.count(program)))
    return c.json({ ok: true, version, records: counts.reduce((sum, count) => sum + count, 0) })
  })

  app.get('/metrics', async (c) => {
    checkHost(c.req.raw, c.env)
    return c.body(await metrics.describe(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
  })

  app.use(async (c, next) => {
    const limit = /^\/(v1|hub|metrics)(\/|$)/.test(c.req.path) ? addresses : visitors
    // Who watches whether the hub is alive must hear so also while it is asked too much.
    if (c.req.path !== '/healthz') limit.take(c.env.remoteAddress ?? 'unknown')
    await next()
  })
  app.post('/v1/:program/sync', async (c) => c.json(await sync(await knownProgram(c.req.param('program')), c.req.raw)))
  app.get('/v1/:program/records', async (c) => {
    const program = await knownProgram(c.req.param('program'))
    await access.check(c.req.raw, c.env, program, 'read')
    const since = c.req.query('since')
    const records = streamRecords(store, program, since === undefined ? undefined : parsePlace(since))
    return c.body(records, 200, { 'content-type': 'application/x-ndjson' })
  })
  app.get('/v1/:program/export/:format', async (c) => {
    const program = await knownProgram(c.req.param('program'))
    await access.check(c.req.raw, c.env, program, 'read')
    const format = c.req.param('format')
    return isFormat(format) ? exportResponse(store, program, format) : notFound(c)
  })
  app.on(['GET', 'PATCH'], '/v1/:program/blobs/:name{sha256-[0-9a-f]{64}}', async (c) => {
    const program = await knownProgram(c.req.param('program'))
    const sha256 = c.req.param('name').slice('sha256-'.length)
    // Hono answers HEAD through the GET route.
    if (c.req.method === 'HEAD') return await attachments.head(program, sha256, c.req.raw)
    if (c.req.method === 'PATCH') return await attachments.patch(program, sha256, c.req.raw)
    await access.check(c.req.raw, c.env, program, 'read')
    return await attachments.get(program, sha256, c.req.raw)
  })
  addAccessRoutes(app, { store, signer, tokens, access, now, knownProgram, admit, say })
  app.all('/v1/*', notFound)

  addEnterRoutes(app, { store, tokens, now, knownProgram })
  app.get('/hub/style.css', () => styleSheet())
  app.get('/hub', async (c) => {
    const program = await knownProgram(c.req.query('program') ?? 'default')
    await access.check(c.req.raw, c.env, program, 'read')
    return await page(program, c.req.query('before'))
  })

  app.get('/packs/*', async (c) => {
    const found = packFiles && (await packFiles(c.req.raw, new URL(c.req.url).pathname.slice('/packs'.length)))
    if (!found) return notFound(c)
    // Nothing in them is secret or has to be believed: pages of other addresses may have this hub as a mirror.
    found.headers.set('access-control-allow-origin', '*')
    found.headers.set('access-control-expose-headers', 'content-range')
    return found
  })
  app.options('/packs/*', (c) =>
    c.body(null, 204, {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET',
      'access-control-allow-headers': 'range',
      'access-control-max-age': '86400',
    }),
  )
  app.get('*', async (c) => {
    const { pathname } = new URL(c.req.url)
    const found = appFiles && (await appFiles(c.req.raw, pathname === '/' ? '/index.html' : pathname))
    if (found) return found
    // A place inside the app, opened or reloaded by a person. A missing file must stay missing: HTML is no script.
    const isNavigation = (c.req.header('accept') ?? '').includes('text/html') && !/\.\w+$/.test(pathname)
    const shell = isNavigation && appFiles && (await appFiles(c.req.raw, '/index.html'))
    return shell || notFound(c)
  })

  return {
    fetch: async (request, env = {}) => await app.fetch(request, env),
    ...(forwarder && { forwarder }),
    say,
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compareVersions } from '../../packs/fetch-manifest.ts'
import { JikoError } from '../../protocol/error.ts'
import { type PackIndex, parsePackIndex } from '../../protocol/pack-index.ts'
import { createFiles } from './files.ts'

/** A blob of weights with its hash in its name. */
const HASHED = /[0-9a-f]{16,}\.(bin|json)$/
const INDEX = '/index.json'

/**
 * Serves the packs of several folders as if they were one: of a pack that is in two of them, the newer version. The first
 * folder counts more where versions are the same.
 */
export function createPackFiles(folders: readonly string[]) {
  const servers = folders.map((root) => createFiles({ root, ranges: true, isImmutable: (path) => HASHED.test(path) }))
  const [only] = servers
  if (only && servers.length === 1) return only

  async function offers(): Promise<{ entry: PackIndex['packs'][number]; folder: number }[]> {
    const best = new Map<string, { entry: PackIndex['packs'][number]; folder: number }>()
    for (const [folder, path] of folders.entries()) {
      for (const entry of await listed(path)) {
        const known = best.get(entry.name)?.entry
        if (!known || compareVersions(entry.version, known.version) > 0) best.set(entry.name, { entry, folder })
      }
    }
    return [...best.values()].sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1))
  }

  return async (request: Request, pathname: string): Promise<Response | undefined> => {
    const all = await offers()
    if (pathname === INDEX) {
      return answerIndex(
        request,
        all.map(({ entry }) => entry),
      )
    }
    const name = pathname.split('/')[1]
    const first = all.find(({ entry }) => entry.name === name)?.folder ?? 0
    // A phone in the middle of the other version finds its chunks still.
    for (const server of [servers[first], ...servers.filter((_, i) => i !== first)]) {
      const found = await server?.(request, pathname)
      if (found) return found
    }
    return undefined
  }
}

/** A folder without a list has no packs; neither has one whose list cannot be read, which must not hide the others. */
async function listed(folder: string): Promise<PackIndex['packs']> {
  try {
    return parsePackIndex(await readFile(join(folder, 'index.json'), 'utf8')).packs
  } catch (error) {
    if (error instanceof JikoError || (error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function answerIndex(request: Request, packs: PackIndex['packs']): Response {
  const body = `${JSON.stringify({ packs })}\n`
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 32)}"`
  const headers = { etag, 'cache-control': 'no-cache', 'content-type': 'application/json' }
  const known = request.headers.get('if-none-match')?.split(',') ?? []
  if (known.some((tag) => tag.trim().replace(/^W\//, '') === etag)) return new Response(null, { status: 304, headers })
  return new Response(request.method === 'HEAD' ? null : body, { headers })
}

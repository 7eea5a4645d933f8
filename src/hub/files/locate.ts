import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'

export interface LocatedFile {
  path: string
  size: number
  /** Changes whenever the file may have. */
  stamp: string
}

/** A name of ours: no dot first, no separator of any system, nothing unprintable. */
const SEGMENT = /^[\w@-][\w.@+-]*$/

/** The path that a URL names inside a folder, undefined when it names none: every trick with dots and escapes ends here. */
export function innerPath(pathname: string): string | undefined {
  let decoded: string
  try {
    decoded = decodeURIComponent(pathname)
  } catch {
    return undefined
  }
  const segments = decoded.replace(/^\//, '').split('/')
  return segments.every((segment) => SEGMENT.test(segment)) ? segments.join('/') : undefined
}

/** The file at an inner path, undefined when there is none; a link that leads out of `root` is none. */
export async function locate(root: string, inner: string): Promise<LocatedFile | undefined> {
  try {
    const [base, path] = await Promise.all([realpath(root), realpath(join(root, inner))])
    if (!path.startsWith(base + sep)) return undefined
    const found = await stat(path, { bigint: true })
    if (!found.isFile()) return undefined
    return { path, size: Number(found.size), stamp: `${found.ino}-${found.size}-${found.mtimeNs}` }
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined
    throw error
  }
}

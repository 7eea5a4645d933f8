import { JikoError } from '../../protocol/error.ts'

export const PUBLIC_ENDPOINT = 'https://huggingface.co'
const PREFIX = 'hf:'
const PART = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?$/

/** A repository at one revision: a branch, a tag or a commit. */
export interface Repository {
  /** `org/name`. */
  readonly id: string
  readonly revision: string
}

export const isRepository = (source: string): boolean => source.startsWith(PREFIX)

/** @throws JikoError `cli/bad-repository` */
export function parseRepository(source: string, revision = 'main'): Repository {
  const id = source.slice(PREFIX.length)
  const parts = id.split('/')
  if (parts.length !== 2 || !parts.every((part) => PART.test(part) && !part.includes('..'))) {
    throw new JikoError('cli/bad-repository', `"${source}" is not a repository; write hf:organisation/name.`)
  }
  if (!/^[\w][\w./-]{0,127}$/.test(revision) || revision.includes('..')) {
    throw new JikoError('cli/bad-repository', `"${revision}" is not a branch, tag or commit of ${id}.`)
  }
  return { id, revision }
}

/** @throws JikoError `cli/bad-endpoint` */
export function parseEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
    throw new JikoError('cli/bad-endpoint', `"${text}" is not the address of a hub, like ${PUBLIC_ENDPOINT}.`)
  }
  return url.href.replace(/\/+$/, '')
}

/**
 * A path that stays inside whatever folder it is joined to, on every system.
 * @throws JikoError `model/bad-repository`
 */
export function checkPath(path: string): string {
  const inside = path
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\:\p{Cc}]|[. ]$/u.test(part))
  if (inside && path.length <= 400) return path
  throw new JikoError('model/bad-repository', `The repository lists the file "${path}", which no honest one does.`)
}

/** `a/b c` as it stands in an address. */
export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

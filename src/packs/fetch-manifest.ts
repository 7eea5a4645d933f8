import { fromUtf8, utf8 } from '../lib/bytes.ts'
import { sha256Hex } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import { MAX_MANIFEST_BYTES, parseSignedManifest, type SignedManifest } from '../protocol/manifest.ts'
import { verify } from '../protocol/sign.ts'
import { isTrusted } from '../protocol/succession.ts'
import { isPage, type Link, looksLikePage, openStream, portalError, readWhole, statusError } from './link.ts'

/** Public keys (base64url) whose packs this install believes. */
export type TrustedKeys = readonly string[]

/** A manifest that was checked, with the exact text to keep and its digest. */
export interface CheckedManifest {
  signed: SignedManifest
  text: string
  /** SHA-256 of line 1: the pack's identity. */
  digest: string
}

/** The address of a pack may be given with or without the file name. */
export const manifestUrl = (url: string): string => (url.endsWith('/') ? `${url}manifest.ndjson` : url)

/** The address of a file beside a manifest. By text, since an address may be relative to the page. */
export const besideManifest = (url: string, path: string): string =>
  manifestUrl(url)
    .replace(/[?#].*$/, '')
    .replace(/[^/]*$/, path)

/**
 * @throws JikoError `download/...` when it cannot be had, `download/captive-portal` for a login page, and what
 * `checkManifest` throws.
 */
export async function fetchManifest(
  url: string,
  link: Link,
  trusted: TrustedKeys,
  signal?: AbortSignal,
): Promise<CheckedManifest> {
  const address = manifestUrl(url)
  const incoming = await openStream(address, { cache: 'no-cache' }, link, signal)
  try {
    const { response } = incoming
    if (response.ok && isPage(response)) throw portalError(address)
    if (response.status !== 200) throw statusError(address, response)
    const bytes = await readWhole(incoming, MAX_MANIFEST_BYTES)
    if (looksLikePage(bytes)) throw portalError(address)
    return await checkManifest(decode(bytes), trusted)
  } finally {
    incoming.close()
  }
}

/**
 * Parses a manifest file and verifies who vouches for it.
 * @throws JikoError `pack/bad-manifest`, `pack/unsigned`, `pack/bad-signature` (tampered), `pack/untrusted`.
 */
export async function checkManifest(text: string, trusted: TrustedKeys): Promise<CheckedManifest> {
  const signed = parseSignedManifest(text)
  const { key, signature, former = [] } = signed.signature
  const { name, version } = signed.manifest
  if (!(await isTrusted(key, former, trusted))) {
    throw new JikoError('pack/untrusted', `The pack ${name} ${version} is signed by a key that is not trusted here.`, {
      detail: { name, version, key },
    })
  }
  const line = utf8(signed.line)
  if (!(await verify(key, line, signature))) {
    throw new JikoError('pack/bad-signature', `The manifest of ${name} ${version} was changed after it was signed.`, {
      detail: { name, version },
    })
  }
  return { signed, text, digest: await sha256Hex(line) }
}

/** @throws JikoError `pack/wrong-name`, `pack/older` when `next` may not take the place of `installed`. */
export function checkSuccessor(installed: SignedManifest, next: SignedManifest): void {
  const { name, version } = installed.manifest
  if (next.manifest.name !== name) {
    throw new JikoError('pack/wrong-name', `Expected the pack ${name}, got ${next.manifest.name}.`, {
      detail: { expected: name, got: next.manifest.name },
    })
  }
  if (compareVersions(next.manifest.version, version) < 0) {
    throw new JikoError(
      'pack/older',
      `Got ${name} ${next.manifest.version}, older than the installed ${version}: remove that one first to go back.`,
      { detail: { name, installed: version, got: next.manifest.version } },
    )
  }
}

/** Negative when `a` is older than `b`; both are like 1.2.3. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number)
  const right = b.split('.').map(Number)
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new JikoError('pack/bad-manifest', 'The manifest is not UTF-8 text.', { cause })
  }
}

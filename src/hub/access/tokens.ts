import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import { toBase64Url, utf8 } from '../../lib/bytes.ts'
import { JikoError } from '../../protocol/error.ts'
import { importPublicKey, type Signer } from '../../protocol/sign.ts'

/**
 * What the hub signs for others to show: a `nonce` to be signed by a device, `access` for programs, a `session` for a
 * browser, and the `certificate` of a member, which has no end.
 */
export type TokenKind = 'nonce' | 'access' | 'session' | 'certificate'

export const ACCESS_SECONDS = 15 * 60
export const SESSION_SECONDS = 30 * 86_400

/** Seconds, by the hub's clock alone: phones' clocks are never asked. */
const LIFE: Readonly<Record<TokenKind, number | undefined>> = {
  nonce: 2 * 60,
  access: ACCESS_SECONDS,
  session: SESSION_SECONDS,
  certificate: undefined,
}

/** A hub's clock that was set back makes old tokens come from the future: they are over, and new ones are to be had. */
const LEEWAY = 60

export interface Tokens {
  issue(kind: TokenKind, program: string, key: string): Promise<string>
  /**
   * @param issuer who must have signed it; this hub when left out.
   * @throws JikoError `hub/bad-token`, or `hub/token-over` when a new one is to be fetched.
   */
  verify(kind: TokenKind, token: string, program: string, issuer?: string): Promise<{ key: string; issuedAt: number }>
}

const encode = (part: object): string => toBase64Url(utf8(JSON.stringify(part)))

/** @param now milliseconds since 1970 by the hub's clock. */
export function createTokens(signer: Signer, now: () => number): Tokens {
  const seconds = (): number => Math.floor(now() / 1000)
  return {
    async issue(kind, program, key) {
      const life = LIFE[kind]
      const iat = seconds()
      const head = { alg: 'ES256', typ: `jiko-${kind}+jwt` }
      const claims = { iss: signer.key, aud: program, sub: key, iat, ...(life !== undefined && { exp: iat + life }) }
      // The signer gives what ES256 wants; the private key stays with it.
      const text = `${encode(head)}.${encode(claims)}`
      return `${text}.${await signer.sign(utf8(text))}`
    },
    async verify(kind, token, program, issuer = signer.key) {
      let payload: JWTPayload
      try {
        const verified = await jwtVerify(token, await importPublicKey(issuer), {
          algorithms: ['ES256'],
          typ: `jiko-${kind}+jwt`,
          issuer,
          audience: program,
          requiredClaims: LIFE[kind] === undefined ? ['sub', 'iat'] : ['sub', 'iat', 'exp'],
          currentDate: new Date(now()),
        })
        payload = verified.payload
      } catch (cause) {
        if (cause instanceof errors.JWTExpired) throw over(cause)
        throw new JikoError('hub/bad-token', `not a token of this hub for "${program}"`, { cause })
      }
      const { sub = '', iat = 0 } = payload
      if (LIFE[kind] !== undefined && iat > seconds() + LEEWAY) throw over()
      return { key: sub, issuedAt: iat * 1000 }
    },
  }
}

const over = (cause?: unknown): JikoError =>
  new JikoError('hub/token-over', 'this token is over: fetch a new one', { cause })

/** Name of the cookie with a browser's session. */
export const cookieOf = (program: string): string => `jiko-${program}`

/** What a request shows: the token of a program, else the session of a browser. */
export function bearerOf(
  { headers }: Request,
  program: string,
): { kind: 'access' | 'session'; text: string } | undefined {
  const [, text] = /^Bearer ([\w.-]+)$/i.exec(headers.get('authorization') ?? '') ?? []
  if (text !== undefined) return { kind: 'access', text }
  for (const cookie of (headers.get('cookie') ?? '').split(/;\s*/)) {
    const name = `${cookieOf(program)}=`
    if (cookie.startsWith(name)) return { kind: 'session', text: cookie.slice(name.length) }
  }
  return undefined
}

/** The issuer that a token names, unproven. */
export function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}

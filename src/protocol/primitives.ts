import * as v from 'valibot'

/** SHA-256 as 64 lower-case hex digits. */
export const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 as 64 hex digits'))
/** A P-256 public key: the raw point. */
export const PublicKey = v.pipe(
  v.string(),
  v.regex(/^[\w-]{87}$/, 'expected a P-256 public key as 87 base64url characters'),
)
/** Short text that is shown and stored as it comes: no control characters, which some databases cannot hold. */
export const ShortText = v.pipe(
  v.string(),
  v.maxLength(200),
  v.regex(/^\P{Cc}*$/u, 'expected text without control characters'),
)
export const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
export const PositiveCount = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
export const Probability = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
/** ECDSA P-256 with SHA-256, r‖s (64 bytes) as base64url. */
export const Signature = v.pipe(v.string(), v.regex(/^[\w-]{86}$/, 'expected a signature as 86 base64url characters'))
/** Names that become URL path segments and file names: no dots first, no separators. */
export const Slug = v.pipe(
  v.string(),
  v.maxLength(64),
  v.regex(/^[a-z0-9][a-z0-9-]*$/, 'expected lower-case letters, digits and hyphens'),
)
/** A path inside a pack: segments of safe characters, so that it can never leave its folder. */
export const InnerPath = v.pipe(
  v.string(),
  v.maxLength(200),
  v.regex(
    /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)*$/,
    'expected a relative path without "..", spaces or empty parts',
  ),
)
/** A BCP 47 tag, as far as it names a language: `sw`, `pt-BR`. */
export const Language = v.pipe(v.string(), v.regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'expected a language like "sw"'))
/** Text in several languages by BCP 47 tag; English is the fallback and so must be there. */
export const LocalText = v.pipe(
  v.record(Language, v.pipe(v.string(), v.maxLength(4000))),
  v.check((text) => typeof text.en === 'string', 'expected a text for "en", the fallback language'),
)
export type LocalText = v.InferOutput<typeof LocalText>

/** The text in the wanted language, else its base language, else English. */
export function localised(text: LocalText, language: string): string {
  return text[language] ?? text[language.split('-')[0] ?? 'en'] ?? text.en ?? ''
}

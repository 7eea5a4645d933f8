import * as v from 'valibot'
import { Decision, Label, VariantName } from './manifest.ts'
import { parseJson, parseWith } from './parse.ts'
import { Count, LocalText, PositiveCount, PublicKey, Sha256, ShortText, Signature, Slug } from './primitives.ts'

export const TAUGHT_FORMAT = 'jiko-taught/1'
/** Examples of a class, and classes of a lesson, "none of these" included. */
export const MOST_EXAMPLES = 20
export const MOST_CLASSES = 12
/** A class of fewer examples is not taught. */
export const FEWEST_EXAMPLES = 3
const MOST_VALUES = 4096
/** Read whole before it is verified: 2 tables of 12 x 4,096 numbers as base64. */
export const MAX_TAUGHT_BYTES = 640 << 10

const Finite = v.pipe(v.number(), v.finite())
/** float32 numbers, little-endian, as base64url. */
const Table = v.pipe(v.string(), v.regex(/^[\w-]*$/, 'expected base64url'))

/**
 * What was learnt, over vectors of `size` values that are brought to length 1 and multiplied by `scale`. Rows are in the
 * order of the labels.
 */
const Head = v.strictObject({
  size: v.pipe(PositiveCount, v.maxValue(MOST_VALUES)),
  scale: v.pipe(Finite, v.gtValue(0)),
  /** The mean of each class's examples. */
  prototypes: Table,
  /** Logistic regression, where it did better than the nearest prototype. */
  regression: v.optional(v.strictObject({ weights: Table, bias: v.array(Finite) })),
  /** Whatever lies further from every prototype (squared) is none of these. */
  reach: v.pipe(Finite, v.minValue(0)),
})
export type Head = v.InferOutput<typeof Head>

/** How many of a class's examples were recognised while each was left out. */
const Recall = v.strictObject({ label: v.string(), right: Count, of: Count })
const Estimate = v.strictObject({ right: Count, of: Count, classes: v.array(Recall) })
export type Estimate = v.InferOutput<typeof Estimate>

/** Names of taught packs cannot be those of a programme's. */
export const TaughtName = v.pipe(
  v.string(),
  v.regex(/^taught-[a-z2-7]{16}$/, 'expected a name like taught-abcdefghijklmnop'),
)
export const isTaughtName = (name: string): boolean => v.is(TaughtName, name)

/** A pack that a person made on a phone: the digest of a programme's pack, and a head over it. Data only, nothing that runs. */
export const TaughtPack = v.pipe(
  v.strictObject({
    format: v.literal(TAUGHT_FORMAT),
    name: TaughtName,
    version: v.pipe(v.string(), v.regex(/^\d+\.\d+\.\d+$/, 'expected a version like 1.2.3')),
    title: ShortText,
    /** Whoever made it, as they call themselves: nobody vouches for it. */
    maker: v.optional(v.pipe(ShortText, v.maxLength(60))),
    labels: v.pipe(v.array(v.omit(Label, ['clips'])), v.minLength(2), v.maxLength(MOST_CLASSES)),
    base: v.strictObject({ name: Slug, version: v.string(), digest: Sha256, variant: VariantName, title: LocalText }),
    head: Head,
    decision: v.omit(Decision, ['energy']),
    estimate: Estimate,
  }),
  v.check(
    ({ labels }) => new Set(labels.map(({ id }) => id)).size === labels.length,
    'labels: two of them have one id',
  ),
  v.check(({ labels }) => labels.some(({ none }) => !none), 'labels: all of them stand for "none of these"'),
  v.check(
    ({ head, labels }) =>
      tablesOf(head).every((table) => table.length === Math.ceil((head.size * labels.length * 16) / 3)),
    'head: a table does not have a row of `size` numbers for each label',
  ),
  v.check(
    ({ head, labels }) => head.regression === undefined || head.regression.bias.length === labels.length,
    'head: the bias does not have a number for each label',
  ),
)
export type TaughtPack = v.InferOutput<typeof TaughtPack>

const tablesOf = ({ prototypes, regression }: Head): string[] => [
  prototypes,
  ...(regression ? [regression.weights] : []),
]

/** Line 2: the device that made it. Its key is trusted by nobody; it says only that line 1 is as that device wrote it. */
const TaughtSignature = v.strictObject({ alg: v.literal('ES256'), key: PublicKey, signature: Signature })
export type TaughtSignature = v.InferOutput<typeof TaughtSignature>

/** Whether a `.jikopack` file, by its first bytes, is a taught pack. */
export const startsLikeTaught = (text: string): boolean => text.startsWith(`{"format":"${TAUGHT_FORMAT}"`)

export interface SignedTaught {
  pack: TaughtPack
  /** The exact text of line 1: what is hashed (its digest) and signed. */
  line: string
  signature: TaughtSignature
}

/** Reads a taught pack; the signature is *not* verified here. @throws JikoError `teach/bad-pack` saying which field is wrong. */
export function parseTaught(text: string): SignedTaught {
  const [line = '', second = ''] = text.split('\n')
  const code = 'teach/bad-pack'
  return {
    line,
    pack: parseWith(TaughtPack, parseJson(line, code, 'the taught pack'), code, 'the taught pack'),
    signature: parseWith(TaughtSignature, parseJson(second, code, 'its signature (line 2)'), code, 'its signature'),
  }
}

export const formatTaught = (line: string, signature: TaughtSignature): string =>
  `${line}\n${JSON.stringify(signature)}\n`

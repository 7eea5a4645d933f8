import * as v from 'valibot'
import { Constants, ImageInput, Input, State, TensorName } from './input.ts'
import { CommonClips, Decision, Label, VariantName } from './manifest.ts'
import { Output } from './output.ts'
import { parseJson, parseWith } from './parse.ts'
import { InnerPath, LocalText, Slug } from './primitives.ts'

/** A language that something is recorded in and that its text does not have: mistyped, or somebody can not read along. */
function unwritten({ title, labels, clips = {} }: Recorded): string | undefined {
  const all = [
    ...labels.map((label) => ({ text: label.name, by: label.clips })),
    ...Object.values(clips).map((by) => ({ text: title, by })),
  ]
  return all.flatMap(({ text, by = {} }) => Object.keys(by).filter((language) => !(language in text)))[0]
}

interface Recorded {
  title: LocalText
  labels: readonly Label[]
  clips?: v.InferOutput<typeof CommonClips> | undefined
}

/** `pack.json`: what a person or a recipe writes beside a model, and what a pack is built from. */
export const PackSource = v.pipe(
  v.strictObject({
    name: Slug,
    version: v.pipe(v.string(), v.regex(/^\d+\.\d+\.\d+$/, 'expected a version like 1.2.3')),
    task: Slug,
    title: LocalText,
    description: LocalText,
    /** In the order of the model's outputs; none for kinds of output that have no labels. */
    labels: v.optional(v.pipe(v.array(Label), v.maxLength(10_000)), []),
    /** A photo, as in the manifest; `tensor` may be left out when the model has one input. */
    image: v.optional(
      v.strictObject({ ...v.omit(ImageInput, ['kind', 'tensor']).entries, tensor: v.optional(TensorName) }),
    ),
    /** Instead of `image`: the manifest's own `input`, of any kind. */
    input: v.optional(Input),
    constants: v.optional(Constants),
    state: v.optional(State),
    decision: Decision,
    /** Recorded speech by language, in files beside this one, as each label may have `clips` of its own; see docs/packs.md. */
    clips: v.optional(CommonClips),
    /** The float ONNX file, beside this one. */
    model: InnerPath,
    /** Of packs whose output is a `page`: the float ONNX file of the graph that reads a line. */
    reader: v.optional(InnerPath),
    /** What the phone runs where nobody says otherwise; see `cli/pack/shrink.ts`. Default int8, which needs calibration.json. */
    precision: v.optional(v.picklist(['int8', 'int7', 'int4', 'int3', 'dynamic', 'fp16', 'none'])),
    /** A smaller model that is fed and read the same way: on a slow link it comes first and answers meanwhile. */
    first: v.optional(v.strictObject({ name: VariantName, model: InnerPath, decision: v.optional(Decision) })),
    /**
     * The manifest's own `output`; or of classes only the name of the graph's output, which may be left out too when it
     * has one. A Softmax at the end is taken off, and `activation` becomes `logits`.
     */
    output: v.optional(v.union([TensorName, Output])),
    licence: v.string(),
    attribution: v.string(),
    sources: v.optional(v.array(v.string())),
  }),
  v.check(({ image, input }) => (image === undefined) !== (input === undefined), 'expected either "image" or "input"'),
  v.check(
    ({ output, reader }) => (reader !== undefined) === (typeof output === 'object' && output.kind === 'page'),
    'an output "page" needs a "reader", others none',
  ),
  v.check(({ first, reader }) => !first || !reader, 'a pack with a reader has no smaller model before it'),
  v.check(
    (source) => unwritten(source) === undefined,
    ({ input }) => `clips: "${unwritten(input)}" is recorded, and no text is written in that language`,
  ),
)
export type PackSource = v.InferOutput<typeof PackSource>

/** @throws JikoError `pack/bad-source` naming the field. */
export const parsePackSource = (text: string): PackSource =>
  parseWith(PackSource, parseJson(text, 'pack/bad-source', 'pack.json'), 'pack/bad-source', 'pack.json')

import * as v from 'valibot'
import { ImageInput, Label } from './manifest.ts'
import { parseJson, parseWith } from './parse.ts'
import { InnerPath, LocalText, Probability, Slug } from './primitives.ts'

/** `pack.json`: what a person or a recipe writes beside a model, and what a pack is built from. */
export const PackSource = v.strictObject({
  name: Slug,
  version: v.pipe(v.string(), v.regex(/^\d+\.\d+\.\d+$/, 'expected a version like 1.2.3')),
  task: Slug,
  title: LocalText,
  description: LocalText,
  /** In the order of the model's outputs. */
  labels: v.pipe(v.array(Label), v.minLength(1), v.maxLength(10_000)),
  /** As in the manifest; `tensor` may be left out when the model has one input. */
  image: v.strictObject({
    ...v.omit(ImageInput, ['kind', 'tensor']).entries,
    tensor: v.optional(v.string()),
  }),
  decision: v.strictObject({ temperature: v.pipe(v.number(), v.gtValue(0)), threshold: Probability }),
  /** The float ONNX file, beside this one. */
  model: InnerPath,
  /** Which of the model's outputs is the answer; may be left out when it has one. */
  output: v.optional(v.string()),
  licence: v.string(),
  attribution: v.string(),
  sources: v.optional(v.array(v.string())),
})
export type PackSource = v.InferOutput<typeof PackSource>

/** @throws JikoError `pack/bad-source` naming the field. */
export const parsePackSource = (text: string): PackSource =>
  parseWith(PackSource, parseJson(text, 'pack/bad-source', 'pack.json'), 'pack/bad-source', 'pack.json')

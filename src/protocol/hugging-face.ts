import * as v from 'valibot'
import { parseJson, parseWith } from './parse.ts'

// Written by strangers and by many versions of their tools: only what is used is checked, all else is let through.

/** `GET /api/models/<id>/revision/<revision>` of a Hugging Face hub. */
export const HubModel = v.object({
  /** The commit that the revision is now. */
  sha: v.pipe(v.string(), v.regex(/^[0-9a-f]{7,64}$/, 'expected a commit in hexadecimal')),
  siblings: v.pipe(v.array(v.object({ rfilename: v.string() })), v.maxLength(100_000)),
  pipeline_tag: v.nullish(v.string()),
  cardData: v.nullish(v.object({ license: v.nullish(v.union([v.string(), v.array(v.string())])) })),
})
export type HubModel = v.InferOutput<typeof HubModel>

/** `config.json` of a transformers model. */
export const HubConfig = v.object({
  architectures: v.nullish(v.array(v.string())),
  /** From the index of an output to its label. */
  id2label: v.nullish(v.record(v.string(), v.string())),
  num_channels: v.nullish(v.number()),
  vocab_size: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1))),
  max_position_embeddings: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1))),
  pad_token_id: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0))),
})
export type HubConfig = v.InferOutput<typeof HubConfig>

const Pixels = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096))
const Side = v.union([
  Pixels,
  v.object({ height: v.nullish(Pixels), width: v.nullish(Pixels), shortest_edge: v.nullish(Pixels) }),
])
const Channels = v.union([v.number(), v.array(v.number())])
const Flag = v.nullish(v.boolean())

/** `preprocessor_config.json` of an image model; what is left out has the defaults of transformers. */
export const HubPreprocessor = v.object({
  do_resize: Flag,
  size: v.nullish(Side),
  do_center_crop: Flag,
  crop_size: v.nullish(Side),
  crop_pct: v.nullish(v.number()),
  /** 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming. */
  resample: v.nullish(v.number()),
  do_rescale: Flag,
  rescale_factor: v.nullish(v.pipe(v.number(), v.gtValue(0))),
  rescale_offset: Flag,
  do_normalize: Flag,
  image_mean: v.nullish(Channels),
  image_std: v.nullish(Channels),
  do_flip_channel_order: Flag,
  include_top: Flag,
})
export type HubPreprocessor = v.InferOutput<typeof HubPreprocessor>

const CODE = 'model/bad-repository'

/** @throws JikoError `model/bad-repository` naming the field, as the others below. */
export const parseHubModel = (text: string, where: string): HubModel =>
  parseWith(HubModel, parseJson(text, CODE, where), CODE, where)

export const parseHubConfig = (text: string, where: string): HubConfig =>
  parseWith(HubConfig, parseJson(text, CODE, where), CODE, where)

export const parseHubPreprocessor = (text: string, where: string): HubPreprocessor =>
  parseWith(HubPreprocessor, parseJson(text, CODE, where), CODE, where)

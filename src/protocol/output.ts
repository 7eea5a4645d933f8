import * as v from 'valibot'
import { ImageInput, TensorName } from './input.ts'
import { Count, PositiveCount, Probability } from './primitives.ts'

/** [1, labels] or as many values in any shape, in the order of the labels. */
const ClassesOutput = v.strictObject({
  kind: v.literal('classes'),
  tensor: TensorName,
  /** `logits` pass through softmax with the decision's `temperature`; `sigmoid` through 1/(1+e^(-x/temperature)) each. */
  activation: v.picklist(['logits', 'probabilities', 'sigmoid']),
  /** The vector before the classifier, [1, values] or as many in any shape: new classes can be taught from it. */
  features: v.optional(TensorName),
})

/** What every detector's heads need besides. */
const Detection = {
  kind: v.literal('boxes'),
  /** Boxes of a smaller score are not shown. */
  least: Probability,
  /** Of two boxes of a label that overlap by more (intersection over union) the better one stays. Left out where the graph has done it. */
  overlap: v.optional(Probability),
  /** At most so many. */
  most: v.pipe(PositiveCount, v.maxValue(100)),
}

/**
 * Heads of detectors. Boxes are in pixels of the input tensor unless `unit` says otherwise. Labels are in the order of
 * the score columns; one that is marked `none` is background.
 */
const BoxesOutput = v.variant('head', [
  /**
   * Anchor-free cells (YOLOX): [1, cells, 4 + 1 + labels], the cells of each stride in turn, row by row. A box is
   * centre (cell + xy) * stride and size e^wh * stride; objectness and scores are probabilities already.
   */
  v.strictObject({ ...Detection, head: v.literal('cells'), tensor: TensorName, strides: v.array(PositiveCount) }),
  /** The same in one tensor for each part and stride (YuNet). `root`: the score is the root of the product, not the product. */
  v.strictObject({
    ...Detection,
    head: v.literal('levels'),
    levels: v.pipe(
      v.array(
        v.strictObject({
          stride: PositiveCount,
          boxes: TensorName,
          scores: TensorName,
          objectness: v.optional(TensorName),
        }),
      ),
      v.minLength(1),
      v.maxLength(8),
    ),
    root: v.optional(v.boolean()),
  }),
  /** Corners left, top, right, bottom: [1, N, 4], with scores [1, N, labels] (UltraFace, SSD after decoding). */
  v.strictObject({
    ...Detection,
    head: v.literal('corners'),
    boxes: TensorName,
    scores: TensorName,
    /** Numbers of the labels, [1, N], where `scores` is [1, N]. */
    classes: v.optional(TensorName),
    order: v.picklist(['xyxy', 'yxyx']),
    unit: v.picklist(['fraction', 'pixel']),
  }),
  /** A map of how likely each pixel is part of something (text lines, DB): its islands, made larger by `grow` times area over outline. */
  v.strictObject({
    ...Detection,
    head: v.literal('map'),
    tensor: TensorName,
    pixel: Probability,
    grow: v.pipe(v.number(), v.minValue(0)),
  }),
])

/** Characters along a line: [1, steps, symbols + 1], where repeats melt together and `blank` stands for none (CTC). */
const TextOutput = v.strictObject({
  kind: v.literal('text'),
  tensor: TensorName,
  activation: v.picklist(['logits', 'probabilities']),
  blank: Count,
  /** In the order of the outputs, without the blank. */
  symbols: v.pipe(v.array(v.pipe(v.string(), v.maxLength(8))), v.minLength(1), v.maxLength(10_000)),
})

/**
 * Text wherever it stands in a photo, line by line. The graph says where: [1, 1, height, width], as for boxes with the head
 * `map`. Each line is cut out, straightened and read by a second graph, the `reader` of each program.
 */
const PageOutput = v.strictObject({
  kind: v.literal('page'),
  tensor: TensorName,
  /** Pixels of the map above it belong to a line; lines whose pixels have a smaller mean than `least` are left alone. */
  pixel: Probability,
  least: Probability,
  /** The map shows the core of a line: it is made larger to all sides by so many times its area over its outline. */
  grow: v.pipe(v.number(), v.minValue(0), v.maxValue(8)),
  /** At most so many lines are read, the largest. */
  most: v.pipe(PositiveCount, v.maxValue(500)),
  /** How the reader is fed with a line, and how it answers; where its characters have a smaller mean, it was no text. */
  line: v.strictObject({ input: ImageInput, output: TextOutput, least: Probability }),
})

/** A vector that lies near those of similar inputs. */
const EmbeddingOutput = v.strictObject({
  kind: v.literal('embedding'),
  tensor: TensorName,
  /** Of [1, tokens, values]: the mean over the tokens, or the first one. Left out where there is one vector. */
  pool: v.optional(v.picklist(['mean', 'first'])),
  /** Divide by its length. */
  unit: v.boolean(),
})

/** A label for each token, [1, tokens, labels] of logits. Label ids that begin with `b-` and `i-` are joined to spans. */
const TokensOutput = v.strictObject({ kind: v.literal('tokens'), tensor: TensorName })

/** When something is heard: one probability of each window of sound. */
const SegmentsOutput = v.strictObject({
  kind: v.literal('segments'),
  tensor: TensorName,
  /** A segment begins at this probability, and ends below the other. */
  begin: Probability,
  end: Probability,
  /** Seconds: shorter segments are left out, shorter pauses within one too. */
  shortest: v.pipe(v.number(), v.minValue(0)),
  pause: v.pipe(v.number(), v.minValue(0)),
})

/** A picture: `value * std + mean` is a pixel, 0-255. */
const ImageOutput = v.strictObject({
  kind: v.literal('image'),
  tensor: TensorName,
  layout: v.picklist(['nchw', 'nhwc']),
  order: v.picklist(['rgb', 'bgr', 'grey']),
  mean: v.number(),
  std: v.number(),
})

/** Text, token after token: [1, tokens, vocabulary] of logits, of which the last counts. */
const GenerateOutput = v.strictObject({
  kind: v.literal('generate'),
  tensor: TensorName,
  /** Tokens that end it. */
  end: v.pipe(v.array(Count), v.maxLength(16)),
  /** Tokens that the model can look back at, the prompt's included. */
  context: v.pipe(PositiveCount, v.maxValue(65_536)),
  /** At most so many new tokens. */
  most: v.pipe(PositiveCount, v.maxValue(4096)),
  /** How many of the likeliest tokens are drawn from; 1 takes the likeliest. */
  among: v.pipe(PositiveCount, v.maxValue(1000)),
  /** Where each head of each layer looks with this token, for those who want to see it: [layers, heads, context]. */
  attention: v.optional(TensorName),
})

/** How the graph's outputs become an answer: data, so that a new model needs no new code. */
export const Output = v.variant('kind', [
  ClassesOutput,
  BoxesOutput,
  TextOutput,
  PageOutput,
  EmbeddingOutput,
  TokensOutput,
  SegmentsOutput,
  ImageOutput,
  GenerateOutput,
])
export type Output = v.InferOutput<typeof Output>
export type OutputOf<K extends Output['kind']> = Extract<Output, { kind: K }>

/** Kinds of output that mean nothing without labels. */
export const needsLabels = ({ kind }: Output): boolean => kind === 'classes' || kind === 'boxes' || kind === 'tokens'

/** Outputs of the (first) graph that an answer is made from. */
export function outputTensors(output: Output): string[] {
  if (output.kind !== 'boxes') return [output.tensor]
  switch (output.head) {
    case 'cells':
    case 'map':
      return [output.tensor]
    case 'levels':
      return output.levels.flatMap(({ boxes, scores, objectness }) => [
        boxes,
        scores,
        ...(objectness ? [objectness] : []),
      ])
    case 'corners':
      return [output.boxes, output.scores, ...(output.classes ? [output.classes] : [])]
  }
}

/** Outputs of the graph that a pack keeps: those of its answers, and those that are looked at besides. */
export function keptTensors(output: Output): string[] {
  const more = output.kind === 'classes' ? output.features : output.kind === 'generate' ? output.attention : undefined
  return [...new Set([...outputTensors(output), ...(more === undefined ? [] : [more])])]
}

import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createImageDecoder } from '../../src/cli/decode-image.ts'
import type { Engines } from '../../src/cli/engines.ts'
import type { BuiltPack } from '../../src/cli/pack/build-pack.ts'
import { buildPack } from '../../src/cli/pack/build-pack.ts'
import { readerSource, type SourceFolder } from '../../src/cli/pack/source.ts'
import type { Bytes } from '../../src/lib/bytes.ts'
import { sha256Hex } from '../../src/lib/sha256.ts'
import { decodeWav } from '../../src/lib/wav.ts'
import type { ImageInput, Input } from '../../src/protocol/input.ts'
import type { Label } from '../../src/protocol/manifest.ts'
import { type PackSource, parsePackSource } from '../../src/protocol/pack-source.ts'
import type { Signer } from '../../src/protocol/sign.ts'
import type { Answer, TaskInput } from '../../src/protocol/task.ts'
import { MATERIALS } from './sample-inputs.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** One question to a pack: a file of the materials, or text. */
export interface Question {
  /** Path below the materials; without it a file anywhere, or `text`, is asked. */
  file?: string
  path?: string
  text?: string
  /** In words, what a right answer is. */
  right: (answer: Answer) => boolean
}

/** A pack made of a real model that others trained, and what it is asked. */
export interface RealPack {
  name: string
  /** Path below the materials, or the bytes of a model made for the test. */
  model: string | Bytes
  /** The model that reads what the other one finds. */
  reader?: string
  source: Pick<PackSource, 'task' | 'input' | 'constants' | 'state' | 'output' | 'labels' | 'decision'>
  /** Further files of the pack: path to what is in it. */
  files?: Readonly<Record<string, Bytes>>
  questions: readonly Question[]
}

const decode = createImageDecoder()
const MODELS = 'models'
const PHOTOS = 'datasets/sample-photos'
const SURE = { temperature: 1, threshold: 0.5 }

export const materialBytes = (path: string): Bytes => new Uint8Array(readFileSync(join(MATERIALS, path)))
const linesOf = (path: string): string[] =>
  readFileSync(join(MATERIALS, path), 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line, i, all) => line !== '' || i < all.length - 1)

/** Labels by their names, with ids that may stand in a manifest; `none` are those that mean nothing was recognised. */
export function labelsOf(names: readonly string[], none: readonly string[] = []): Label[] {
  const used = new Set<string>()
  return names.map((name, i) => {
    const wish =
      name
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, '-')
        .replaceAll(/^-+|-+$/g, '')
        .slice(0, 56) || `class-${i}`
    const id = used.has(wish) ? `${wish}-${i}` : wish
    used.add(id)
    return { id, name: { en: name || id }, ...(none.includes(name) && { none: true }) }
  })
}

const image = (changes: Partial<ImageInput> & Pick<ImageInput, 'tensor' | 'width' | 'height'>): ImageInput => ({
  kind: 'image',
  fit: 'cover',
  layout: 'nchw',
  order: 'rgb',
  mean: [128, 128, 128],
  std: [128, 128, 128],
  ...changes,
})

const says =
  (label: string, least = 0) =>
  (answer: Answer): boolean =>
    answer.kind === 'classes' && answer.label === label && answer.score >= least
const finds =
  (...labels: string[]) =>
  (answer: Answer): boolean =>
    answer.kind === 'boxes' && labels.every((label) => answer.boxes.some((box) => box.label === label))
const findsNothing = (answer: Answer): boolean => answer.kind === 'boxes' && answer.boxes.length === 0

const photo = (name: string, right: Question['right']): Question => ({ file: `${PHOTOS}/${name}.jpg`, right })
const faces = [photo('face', finds('face')), photo('grace_hopper', finds('face')), photo('cat', findsNothing)]

/** PP-OCR's symbols: the dictionary, then the space. */
const symbols = (): string[] => [
  ...readFileSync(join(MATERIALS, MODELS, 'ocr-ppocr/en_dict_95.txt'), 'utf8')
    .split('\n')
    .filter(Boolean),
  ' ',
]

/** How PP-OCR's recogniser is fed with a line, and read. */
const LINE_INPUT = image({
  tensor: 'x',
  width: 1024,
  height: 32,
  fit: 'line',
  step: 4,
  order: 'bgr',
  mean: [127.5, 127.5, 127.5],
  std: [127.5, 127.5, 127.5],
  pad: [127, 127, 127],
})
const lineOutput = () => ({
  kind: 'text' as const,
  tensor: 'save_infer_model/scale_0.tmp_1',
  activation: 'probabilities' as const,
  blank: 0,
  symbols: symbols(),
})
/** How its detector is fed with a picture. */
const lines = (size: Pick<ImageInput, 'width' | 'height'> & { step?: number }): ImageInput =>
  image({
    tensor: 'x',
    fit: 'contain',
    mean: [0.485 * 255, 0.456 * 255, 0.406 * 255],
    std: [0.229 * 255, 0.224 * 255, 0.225 * 255],
    ...size,
  })

/** Every kind of task on a real model, as far as there is one. */
export function realPacks(): RealPack[] {
  const clips = `${MODELS}/kws-dscnn-mlperf-tiny/samples`
  const files = `${MODELS}/filetype-magika`
  return [
    {
      name: 'keywords',
      model: `${MODELS}/kws-dscnn-mlperf-tiny/kws_int8.qdq.onnx`,
      source: {
        task: 'keyword-spotting',
        labels: labelsOf(linesOf(`${MODELS}/kws-dscnn-mlperf-tiny/labels.txt`), ['Silence', 'Unknown']),
        input: {
          kind: 'audio',
          tensor: 'input',
          rate: 16_000,
          samples: 16_000,
          gain: 'maximum',
          features: {
            kind: 'mfcc',
            fft: 512,
            window: 480,
            hop: 320,
            shape: 'hann',
            power: 1,
            bands: 40,
            low: 20,
            high: 4000,
            scale: 'htk',
            triangles: 'mel',
            floor: 1e-6,
            log: 'add',
            coefficients: 10,
            dims: [1, 1, 49, 10],
            layout: 'frames-bands',
          },
        },
        output: { kind: 'classes', tensor: 'output', activation: 'probabilities' },
        decision: SURE,
      },
      questions: [
        { file: `${clips}/yes.wav`, right: says('yes', 0.9) },
        // A real error of this model, named in its source.
        { file: `${clips}/no.wav`, right: says('go') },
        { file: `${clips}/silence.wav`, right: (a) => says('silence')(a) && a.kind === 'classes' && !a.known },
        { file: `${clips}/noise.wav`, right: (a) => says('unknown')(a) && a.kind === 'classes' && !a.sure },
      ],
    },
    {
      name: 'speech',
      model: `${MODELS}/vad-silero/silero_vad.onnx`,
      source: {
        task: 'speech-detection',
        labels: [],
        input: {
          kind: 'audio',
          tensor: 'input',
          rate: 16_000,
          samples: 576,
          step: 512,
          gain: 'none',
          features: { kind: 'waveform', dims: [1, 576] },
        },
        constants: { sr: { type: 'int64', dims: [], data: [16_000] } },
        state: { state: { output: 'stateN', type: 'float32', dims: [2, 1, 128] } },
        output: { kind: 'segments', tensor: 'output', begin: 0.5, end: 0.35, shortest: 0.1, pause: 0.1 },
        decision: SURE,
      },
      questions: [
        { file: `${clips}/yes.wav`, right: (a) => a.kind === 'segments' && a.segments.length === 1 },
        { file: `${clips}/noise.wav`, right: (a) => a.kind === 'segments' && a.segments.length === 0 },
        { file: `${clips}/silence.wav`, right: (a) => a.kind === 'segments' && a.segments.length === 0 },
      ],
    },
    {
      name: 'file-type',
      model: `${files}/model.onnx`,
      source: {
        task: 'file-type',
        labels: labelsOf(
          JSON.parse(readFileSync(join(MATERIALS, files, 'config.min.json'), 'utf8')).target_labels_space,
        ),
        input: {
          kind: 'bytes',
          tensor: 'bytes',
          type: 'int32',
          begin: 1024,
          middle: 0,
          end: 1024,
          strip: 4096,
          pad: 256,
        },
        output: { kind: 'classes', tensor: 'target_label', activation: 'probabilities' },
        decision: SURE,
      },
      questions: [
        { file: `${files}/samples/code.py`, right: says('python') },
        { file: `${files}/samples/doc.html`, right: says('html') },
        { file: `${files}/samples/magika_test.csv`, right: says('csv') },
        { file: `${files}/samples/magika_test.pdf`, right: says('pdf') },
        { file: `${files}/samples/magika_test.png`, right: says('png') },
        { file: `${files}/samples/test.mp3`, right: says('mp3') },
      ],
    },
    {
      name: 'objects',
      model: `${MODELS}/detect-yolox-nano/yolox_nano.onnx`,
      source: {
        task: 'object-detection',
        labels: labelsOf(linesOf(`${MODELS}/detect-yolox-nano/coco80.txt`)),
        input: image({
          tensor: 'images',
          width: 416,
          height: 416,
          fit: 'contain',
          place: 'top-left',
          order: 'bgr',
          mean: [0, 0, 0],
          std: [1, 1, 1],
          pad: [114, 114, 114],
        }),
        output: {
          kind: 'boxes',
          head: 'cells',
          tensor: 'output',
          strides: [8, 16, 32],
          least: 0.3,
          overlap: 0.45,
          most: 50,
        },
        decision: SURE,
      },
      questions: [
        photo('cat', finds('cat')),
        photo('kite_and_cold', finds('kite', 'person')),
        photo('parrot', finds('bird')),
      ],
    },
    {
      name: 'faces-ultraface',
      model: `${MODELS}/face-ultraface/version-RFB-320.onnx`,
      source: {
        task: 'face-detection',
        labels: labelsOf(['background', 'face'], ['background']),
        input: image({ tensor: 'input', width: 320, height: 240, fit: 'stretch', mean: [127, 127, 127] }),
        output: {
          kind: 'boxes',
          head: 'corners',
          boxes: 'boxes',
          scores: 'scores',
          order: 'xyxy',
          unit: 'fraction',
          least: 0.7,
          overlap: 0.5,
          most: 50,
        },
        decision: SURE,
      },
      questions: faces,
    },
    {
      name: 'faces-yunet',
      model: `${MODELS}/face-yunet/yunet_n_320_320.onnx`,
      source: {
        task: 'face-detection',
        labels: labelsOf(['face']),
        input: image({
          tensor: 'input',
          width: 320,
          height: 320,
          fit: 'contain',
          order: 'bgr',
          mean: [0, 0, 0],
          std: [1, 1, 1],
        }),
        output: {
          kind: 'boxes',
          head: 'levels',
          levels: [8, 16, 32].map((stride) => ({
            stride,
            boxes: `bbox_${stride}`,
            scores: `cls_${stride}`,
            objectness: `obj_${stride}`,
          })),
          root: true,
          least: 0.6,
          overlap: 0.45,
          most: 50,
        },
        decision: SURE,
      },
      questions: faces,
    },
    {
      name: 'imagenet',
      model: `${MODELS}/imagenet-mobilenet/mobilenet_v1_0.5_160_quant.qdq.onnx`,
      source: {
        task: 'image-classification',
        labels: labelsOf(linesOf(`${MODELS}/imagenet-mobilenet/imagenet_labels.txt`), ['background']),
        input: image({ tensor: 'input', width: 160, height: 160 }),
        output: { kind: 'classes', tensor: 'output', activation: 'probabilities' },
        decision: { temperature: 1, threshold: 0.3 },
      },
      questions: [photo('cat', says('egyptian-cat')), photo('hot_dog', says('hotdog-hot-dog-red-hot'))],
    },
    {
      name: 'person',
      model: `${MODELS}/person-vww-96/vww_int8.qdq.onnx`,
      source: {
        task: 'image-classification',
        labels: labelsOf(['no person', 'person']),
        input: image({ tensor: 'input', width: 96, height: 96, fit: 'stretch', mean: [0, 0, 0], std: [255, 255, 255] }),
        output: { kind: 'classes', tensor: 'output', activation: 'probabilities' },
        decision: SURE,
      },
      questions: [
        photo('face', says('person', 0.9)),
        photo('grace_hopper', says('person')),
        photo('cat', says('no-person')),
      ],
    },
    {
      name: 'insects',
      model: `${MODELS}/inat-insect-mobilenet-v2/mobilenet_v2_1.0_224_inat_insect_quant.qdq.onnx`,
      source: {
        task: 'image-classification',
        labels: labelsOf(linesOf(`${MODELS}/inat-insect-mobilenet-v2/inat_insect_labels.txt`), ['background']),
        input: image({ tensor: 'input', width: 224, height: 224 }),
        output: { kind: 'classes', tensor: 'output', activation: 'probabilities' },
        decision: SURE,
      },
      questions: [photo('dragonfly', (a) => a.kind === 'classes' && a.label.startsWith('micrathyria-hagenii'))],
    },
    {
      name: 'likeness',
      model: `${MODELS}/embed-mobilenet-v1/mobilenet_v1_1.0_224_quant_embedding_extractor.qdq.onnx`,
      source: {
        task: 'image-embedding',
        labels: [],
        input: image({ tensor: 'input', width: 224, height: 224 }),
        output: { kind: 'embedding', tensor: 'output', unit: true },
        decision: SURE,
      },
      questions: ['cat_train_0', 'cat_test_0', 'dog_train_0', 'dog_test_0', 'hotdog_train_0', 'hotdog_test_0'].map(
        (name) => ({
          file: `datasets/fewshot-imprinting/${name}.jpg`,
          right: (a: Answer) => a.kind === 'embedding' && a.values.length === 1024,
        }),
      ),
    },
    {
      name: 'text-line',
      model: `${MODELS}/ocr-ppocr/en_number_mobile_v2.0_rec_infer.onnx`,
      source: {
        task: 'text-recognition',
        labels: [],
        input: LINE_INPUT,
        output: lineOutput(),
        decision: SURE,
      },
      questions: [
        {
          file: `${MODELS}/ocr-ppocr/samples/en_rec.jpg`,
          right: (a) =>
            a.kind === 'text' &&
            a.text === 'To facilitate the shot type analysis in videos, we collect MovieShots, a large-scale',
        },
      ],
    },
    {
      name: 'text-places',
      model: `${MODELS}/ocr-ppocr/ch_PP-OCRv3_det_infer.onnx`,
      source: {
        task: 'text-detection',
        labels: labelsOf(['line of text']),
        input: lines({ width: 704, height: 128 }),
        output: { kind: 'boxes', head: 'map', tensor: 'sigmoid_0.tmp_0', pixel: 0.3, grow: 1.6, least: 0.5, most: 100 },
        decision: SURE,
      },
      questions: [
        { file: `${MODELS}/ocr-ppocr/samples/en.jpg`, right: (a) => a.kind === 'boxes' && a.boxes.length >= 3 },
      ],
    },
    {
      name: 'page',
      model: `${MODELS}/ocr-ppocr/ch_PP-OCRv3_det_infer.onnx`,
      reader: `${MODELS}/ocr-ppocr/en_number_mobile_v2.0_rec_infer.onnx`,
      source: {
        task: 'text-recognition',
        labels: [],
        input: lines({ width: 736, height: 736, step: 32 }),
        output: {
          kind: 'page',
          tensor: 'sigmoid_0.tmp_0',
          pixel: 0.3,
          least: 0.5,
          grow: 2,
          most: 200,
          line: { input: { ...LINE_INPUT, width: 1600 }, output: lineOutput(), least: 0.5 },
        },
        decision: { temperature: 1, threshold: 0.8 },
      },
      questions: [
        {
          file: `${MODELS}/ocr-ppocr/samples/en.jpg`,
          right: (a) => a.kind === 'text' && a.text.includes('To facilitate the shot type analysis in videos'),
        },
        { file: `${PHOTOS}/cat.jpg`, right: (a) => a.kind === 'text' && a.text === '' && !a.sure },
      ],
    },
    {
      name: 'writer',
      model: `${MODELS}/lm-tiny-random-gpt2/past.onnx`,
      files: { 'tokenizer.json': characterTokenizer() },
      source: {
        task: 'text-generation',
        labels: [],
        input: {
          kind: 'text',
          features: {
            kind: 'tokens',
            tokenizer: 'tokenizer.json',
            type: 'int32',
            ids: 'input_ids',
            mask: 'attention_mask',
            positions: 'position_ids',
            vocabulary: 1000,
            length: 64,
          },
        },
        state: Object.fromEntries(
          Array.from({ length: 5 }, (_, i) => [
            `past_${i}`,
            { output: `present_${i}`, type: 'float32' as const, dims: [2, 1, 4, 0, 8] },
          ]),
        ),
        output: { kind: 'generate', tensor: 'logits', end: [], context: 64, most: 12, among: 1 },
        decision: SURE,
      },
      // Its weights are random: that the same text comes again is all that can be right.
      questions: [{ text: 'water the', right: (a) => a.kind === 'text' && a.text.length > 0 }],
    },
  ]
}

/** A tokenizer of single characters, one for each of the 1,000 ids of a model: random weights know no words. */
function characterTokenizer(): Bytes {
  const vocab = Object.fromEntries(Array.from({ length: 1000 }, (_, id) => [String.fromCodePoint(32 + id), id]))
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'Split', pattern: { Regex: '' }, behavior: 'Isolated', invert: false },
    post_processor: null,
    decoder: { type: 'Fuse' },
    model: { type: 'WordLevel', vocab, unk_token: '?' },
  }
  return new TextEncoder().encode(JSON.stringify(tokenizer))
}

export const modelBytes = ({ model }: Pick<RealPack, 'model'>): Bytes =>
  typeof model === 'string' ? materialBytes(model) : model

/** What `jiko pack` reads of a folder. */
export async function sourceFolder({ name, model, reader, source, files = {} }: RealPack): Promise<SourceFolder> {
  const folder = temporaryFolder()
  for (const [path, bytes] of Object.entries(files)) writeFileSync(join(folder, path), bytes)
  const bytes = modelBytes({ model })
  const text = JSON.stringify({
    name,
    version: '1.0.0',
    title: { en: name },
    description: { en: `A test of the task on ${typeof model === 'string' ? basename(model) : 'a made model'}` },
    model: 'model.onnx',
    ...(reader && { reader: 'reader.onnx' }),
    licence: 'Apache-2.0',
    attribution: 'see the materials',
    ...source,
  })
  const whole = parsePackSource(text)
  const common = {
    folder,
    external: () => undefined,
    calibration: undefined,
    calibrationFile: 'calibration.json',
    accuracy: undefined,
    card: undefined,
  }
  const second = readerSource(whole)
  const readerModel = reader === undefined ? undefined : materialBytes(reader)
  return {
    ...common,
    source: whole,
    model: bytes,
    modelDigest: await sha256Hex(bytes),
    ...(second &&
      readerModel && {
        reader: { ...common, source: second, model: readerModel, modelDigest: await sha256Hex(readerModel) },
      }),
  }
}

/** Builds a pack as the command does, its float weights as they are. */
export const buildReal = async (pack: RealPack, engines: Engines, signer: Signer): Promise<BuiltPack> =>
  buildPack(await sourceFolder(pack), { engines, signer, precision: 'none' })

/** What a question gives the task, as Node reads it. */
export async function inputOf({ file, path, text = '' }: Question, input: Input): Promise<TaskInput> {
  if (file === undefined && path === undefined) return { kind: 'text', text }
  const bytes = file === undefined ? new Uint8Array(readFileSync(path ?? '')) : materialBytes(file)
  if (input.kind === 'image') return { kind: 'image', pixels: await decode(bytes) }
  return input.kind === 'audio' ? { kind: 'audio', sound: decodeWav(bytes) } : { kind: 'bytes', bytes }
}

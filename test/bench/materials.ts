import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { listSamples, type Sample } from '../../src/cli/data-set.ts'
import { createEngines, type Engines } from '../../src/cli/engines.ts'
import { buildPack } from '../../src/cli/pack/build-pack.ts'
import { calibrate } from '../../src/cli/pack/calibrate.ts'
import { type PreparedModel, prepareModel } from '../../src/cli/pack/prepare-model.ts'
import { feedSamples, seededSamples } from '../../src/cli/pack/samples.ts'
import { isQuantised, type Precision, shrink } from '../../src/cli/pack/shrink.ts'
import type { SourceFolder } from '../../src/cli/pack/source.ts'
import { bytesOf } from '../../src/cli/pack/write-pack.ts'
import { createReadInput } from '../../src/cli/read-input.ts'
import { percent, table } from '../../src/cli/text.ts'
import { createMeasure, type JudgedSamples } from '../../src/onnx/quantise/measure.ts'
import type { Calibration } from '../../src/protocol/calibration.ts'
import { JikoError } from '../../src/protocol/error.ts'
import { labelsOf, type RealPack, realPacks, sourceFolder } from '../helpers/real-packs.ts'
import { hasMaterials, MATERIALS } from '../helpers/sample-inputs.ts'
import { throwAwaySigner } from '../helpers/synthetic-pack.ts'

const MODELS = 'models'
const digits = Array.from({ length: 10 }, (_, i) => String(i))

/** Models that differ from one of the real packs in their file, their size, or only in being float. */
function siblings(packs: readonly RealPack[]): RealPack[] {
  const of = (name: string, path: string, size?: number): RealPack[] =>
    packs
      .filter((pack) => pack.name === name)
      .map((pack) => {
        const { input } = pack.source
        const source =
          size && input?.kind === 'image'
            ? { ...pack.source, input: { ...input, width: size, height: size } }
            : pack.source
        return { ...pack, model: `${MODELS}/${path}`, source }
      })
  const photo = (path: string, labels: readonly string[], image: object): RealPack[] =>
    of('person', path).map((pack) => ({
      ...pack,
      source: {
        ...pack.source,
        labels: labelsOf(labels),
        input: { ...pack.source.input, ...image } as NonNullable<RealPack['source']['input']>,
        output: undefined,
      },
    }))
  const cifar = { width: 32, height: 32, std: [1, 1, 1] }
  const kinds = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck']
  return [
    ...['float', 'qdq'].flatMap((form) => [
      ...photo(`cifar10-resnet8/cifar_int8.${form}.onnx`, kinds, cifar),
      ...of('imagenet', `imagenet-mobilenet/mobilenet_v1_0.25_128_quant.${form}.onnx`, 128),
      ...of('imagenet', `imagenet-mobilenet/mobilenet_v2_1.0_224_quant.${form}.onnx`, 224),
    ]),
    ...of('imagenet', 'imagenet-mobilenet/mobilenet_v1_0.5_160_quant.float.onnx'),
    ...of('person', 'person-vww-96/vww_int8.float.onnx'),
    ...of('keywords', 'kws-dscnn-mlperf-tiny/kws_int8.float.onnx'),
    ...of('faces-ultraface', 'face-ultraface/version-slim-320.onnx'),
    ...of('speech', 'vad-silero/silero_vad_16k_op15.onnx'),
    ...photo('mnist-cntk/mnist.onnx', digits, {
      tensor: 'Input3',
      width: 28,
      height: 28,
      order: 'grey',
      mean: [0],
      std: [1],
    }),
    ...photo('ocr-ppocr/ch_ppocr_mobile_v2.0_cls_infer.onnx', ['0', '180'], {
      tensor: 'x',
      width: 192,
      height: 48,
      order: 'bgr',
      mean: [127.5, 127.5, 127.5],
      std: [127.5, 127.5, 127.5],
    }),
  ]
}

const DATA: Readonly<Record<string, string | undefined>> = {
  image: 'datasets/sample-photos',
  audio: `${MODELS}/kws-dscnn-mlperf-tiny/samples`,
  bytes: `${MODELS}/filetype-magika/samples`,
}

/**
 * Packs every model of the materials, in int8 where it can be (static, else dynamic, else stored as float16), and prints
 * what became of each, or why it is refused. `--only NAME` packs some. Calibrated on a handful of samples: what is lost is
 * a sign of life, no figure of accuracy.
 */
export async function bench(args: readonly string[]): Promise<void> {
  if (!hasMaterials) {
    console.log(`${MATERIALS} is not here: there is nothing to pack.`)
    return
  }
  const only = args[args.indexOf('--only') + 1] ?? ''
  const engines = createEngines()
  const packs = [...realPacks(), ...siblings(realPacks())]
  const rows = [['', 'file KB', 'phone KB', 'programs', 'lost', 'how']]
  for (const path of modelFiles().filter((one) => !args.includes('--only') || one.includes(only))) {
    const pack = packs.find(({ model }) => model === path)
    rows.push([path.slice(MODELS.length + 1), ...(await packed(path, pack, engines))])
    console.error(rows.at(-1)?.join(' | '))
  }
  console.log(table(rows))
}

const modelFiles = (): string[] =>
  readdirSync(join(MATERIALS, MODELS), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.onnx'))
    .map((path) => `${MODELS}/${path}`)
    .sort()

async function packed(path: string, pack: RealPack | undefined, engines: Engines): Promise<string[]> {
  if (!pack) return ['', '', '', '', `no pack.json is written for ${basename(path)}`]
  try {
    const folder = await sourceFolder(pack)
    const prepared = await prepareModel(folder, engines.open)
    const samples = await samplesFor(prepared, folder)
    const { precision, calibration, lost } = await smallest(prepared, folder, samples, engines)
    const built = await buildPack(
      { ...folder, calibration },
      { engines, signer: await throwAwaySigner(), precision, prepared },
    )
    const [variant] = built.manifest.variants
    return [
      (folder.model.length / 1000).toFixed(0),
      `${(bytesOf(built.manifest) / 1000).toFixed(0)} (${percent(bytesOf(built.manifest) / folder.model.length)})`,
      `${variant?.name} on ${variant?.programs.map(({ engine }) => engine).join(', ')}`,
      lost,
      [precision, ...built.notes.filter((note) => !note.includes('accuracy.json'))].join('; ').slice(0, 160),
    ]
  } catch (error) {
    if (!(error instanceof JikoError)) throw error
    return ['', '', '', '', `refused [${error.code}] ${error.message.slice(0, 160)}`]
  }
}

async function samplesFor(prepared: PreparedModel, { source }: SourceFolder): Promise<JudgedSamples> {
  const { kind } = prepared.input
  const data = DATA[kind]
  if (!data) return seededSamples(prepared, 8)
  const found = await listSamples(join(MATERIALS, data), kind, createReadInput(kind))
  // Labels of folders mean nothing here.
  const samples = found.map((sample): Sample => ({ ...sample, label: undefined }))
  return feedSamples(prepared, samples, source.labels)
}

async function smallest(prepared: PreparedModel, folder: SourceFolder, samples: JudgedSamples, engines: Engines) {
  if (isQuantised(prepared.graph)) return { precision: 'int8' as const, calibration: undefined, lost: 'as it came' }
  const measured = { model: folder.modelDigest, data: 'materials' }
  let refused: unknown
  for (const precision of ['int8', 'dynamic', 'fp16'] satisfies Precision[]) {
    try {
      const calibration: Calibration | undefined =
        precision === 'int8' ? await calibrate(prepared, measured, samples, { engines }) : undefined
      const measure = await createMeasure(prepared.graph, samples, { open: engines.open })
      const { lost } = await measure(shrink(prepared, precision, { ...folder, calibration }).graph)
      return { precision, calibration, lost: lost.toFixed(2) }
    } catch (error) {
      if (!(error instanceof JikoError)) throw error
      refused = error
    }
  }
  throw refused
}

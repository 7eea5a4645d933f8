import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createEngines } from '../../src/cli/engines.ts'
import { table } from '../../src/cli/text.ts'
import type { Bytes } from '../../src/lib/bytes.ts'
import { withModel } from '../../src/onnx/engine.ts'
import { createGraph, type Graph } from '../../src/onnx/graph.ts'
import { logitsOf, withOnlyOutputs } from '../../src/onnx/outputs.ts'
import { quantiseGraph, tensorsToCalibrate } from '../../src/onnx/quantise/apply.ts'
import { collectStatistics, METHODS, rangesFrom } from '../../src/onnx/quantise/calibrate.ts'
import { chooseWithEqualising, optionsOf, widenToClamps } from '../../src/onnx/quantise/choose.ts'
import { driftCorrections } from '../../src/onnx/quantise/drift.ts'
import { equalise } from '../../src/onnx/quantise/equalise.ts'
import { narrow } from '../../src/onnx/quantise/narrow.ts'
import { readModel } from '../../src/onnx/read.ts'
import { inferShapes } from '../../src/onnx/shape.ts'
import { simplify } from '../../src/onnx/simplify.ts'
import { writeModel } from '../../src/onnx/write.ts'
import type { Tensors } from '../../src/protocol/tensor.ts'
import { hasMaterials, MATERIALS, pictureInputs, speechInputs } from '../helpers/sample-inputs.ts'

interface Pair {
  name: string
  float: string
  supplied: string
  inputs(count: number, part: 'calibration' | 'test'): Promise<Tensors[]>
}

const FOLDERS = {
  calibration: ['datasets/fewshot-imprinting', 'datasets/coffee-leaf-lara2018/train', 'models/ocr-ppocr/samples'],
  test: ['datasets/sample-photos', 'datasets/coffee-leaf-lara2018/val'],
}

const pictures =
  (side: number, mean: number, std: number): Pair['inputs'] =>
  (count, part) =>
    pictureInputs(
      FOLDERS[part],
      count,
      { tensor: 'input', width: side, height: side, mean, std },
      part === 'test' ? 2 : 1,
    )

const pair = (folder: string, base: string, inputs: Pair['inputs']): Pair => ({
  name: base,
  float: join(MATERIALS, 'models', folder, `${base}.float.onnx`),
  supplied: join(MATERIALS, 'models', folder, `${base}.qdq.onnx`),
  inputs,
})

const PAIRS: Pair[] = [
  pair('cifar10-resnet8', 'cifar_int8', pictures(32, 0, 1)),
  pair('person-vww-96', 'vww_int8', pictures(96, 0, 255)),
  pair('kws-dscnn-mlperf-tiny', 'kws_int8', async (count, part) =>
    speechInputs(count, 'input', part === 'test' ? 2 : 1),
  ),
  pair('imagenet-mobilenet', 'mobilenet_v1_0.25_128_quant', pictures(128, 128, 128)),
  pair('imagenet-mobilenet', 'mobilenet_v1_0.5_160_quant', pictures(160, 128, 128)),
  pair('imagenet-mobilenet', 'mobilenet_v2_1.0_224_quant', pictures(224, 128, 128)),
]

/** How close one net's answers are to another's: same first choice, and mean distance of the probabilities (0-1). */
function agreement(wanted: readonly number[][], got: readonly number[][]): { same: number; distance: number } {
  const best = (values: readonly number[]): number => values.indexOf(Math.max(...values))
  const same = wanted.filter((values, i) => best(values) === best(got[i] ?? [])).length
  const distance = wanted.reduce(
    (sum, values, i) => sum + values.reduce((part, p, k) => part + Math.abs(p - (got[i]?.[k] ?? 0)), 0) / 2,
    0,
  )
  return { same: same / wanted.length, distance: distance / wanted.length }
}

/** As packs do: what is compared when choosing is the logits, where a sure answer does not hide the others. */
async function cutSoftmax(graph: Graph): Promise<Graph> {
  const logits = logitsOf(graph, graph.outputs[0]?.name ?? '')
  return logits ? withOnlyOutputs(graph, [logits], inferShapes(graph)) : graph
}

/**
 * Our int8 against the supplied QDQ file of the same net: agreement with the float net on inputs that calibration did
 * not see, and bytes. Only the materials beside the project hold such pairs.
 * `--count N` (200) test inputs, `--calibrate N` (96), `--only NAME`, `--all` to see every method.
 */
export async function bench(args: readonly string[]): Promise<void> {
  if (!hasMaterials) {
    console.log(`${MATERIALS} is not here: nothing to compare with.`)
    return
  }
  const option = (name: string, otherwise: string): string => {
    const at = args.indexOf(`--${name}`)
    return (at < 0 ? undefined : args[at + 1]) ?? otherwise
  }
  const { open } = createEngines()
  const answers = (model: Bytes, inputs: readonly Tensors[]): Promise<number[][]> =>
    withModel(open, model, async (runner) => {
      const all: number[][] = []
      for (const input of inputs)
        all.push(
          Object.values(await runner.run(input)).flatMap(({ data }) =>
            Array.from<number | bigint, number>(data, Number),
          ),
        )
      return all
    })
  for (const { name, float, supplied, inputs } of PAIRS.filter((one) => one.name.includes(option('only', '')))) {
    const rows: string[][] = [[name, 'same answer', 'distance', 'KB']]
    const test = await inputs(Number(option('count', '200')), 'test')
    const samples = await inputs(Number(option('calibrate', '96')), 'calibration')
    const original = createGraph(readModel(new Uint8Array(readFileSync(float))))
    const wanted = await answers(writeModel(original.model), test)
    const { graph } = await simplify(original, { open })
    const list = { length: samples.length, at: async (i: number) => samples[i] ?? {} }
    const row = async (what: string, model: Bytes): Promise<void> => {
      const { same, distance } = agreement(wanted, await answers(model, test))
      rows.push([
        `${name} ${what}`,
        `${(100 * same).toFixed(1)} %`,
        distance.toFixed(4),
        (model.length / 1000).toFixed(0),
      ])
    }
    rows.push(['float', '', '', (writeModel(original.model).length / 1000).toFixed(0)])
    await row('supplied', new Uint8Array(readFileSync(supplied)))
    const bytesOf = (int8: Graph): Bytes => writeModel(int8.model)
    const cut = await cutSoftmax(graph)
    const chosen = await chooseWithEqualising(cut, list, { open })
    const { best, equalised } = chosen
    const how = [best.method, ...(equalised ? ['equalised'] : []), ...(best.corrections ? ['bias corrected'] : [])]
    const whole = (equalised && equalise(graph)) || graph
    await row(`ours (${how.join(', ')})`, bytesOf(quantiseGraph(whole, best.ranges, optionsOf(best))))
    const seven = await narrow(chosen, list, 7, { open })
    if (seven) await row('ours, 7 bits', bytesOf(quantiseGraph(whole, best.ranges, seven)))
    if (args.includes('--all')) {
      const statistics = await collectStatistics(graph, tensorsToCalibrate(graph), list, { open })
      for (const method of METHODS) {
        const ranges = widenToClamps(graph, rangesFrom(statistics, method))
        await row(method, bytesOf(quantiseGraph(graph, ranges)))
        const corrections = await driftCorrections(graph, statistics, ranges, list, { open })
        await row(`${method}, bias corrected`, bytesOf(quantiseGraph(graph, ranges, { corrections })))
      }
    }
    console.log(`${table(rows)}\n`)
  }
}

import type { Graph } from '../../onnx/graph.ts'
import { storeAsHalf } from '../../onnx/half.ts'
import { quantiseGraph } from '../../onnx/quantise/apply.ts'
import { quantiseBlocks } from '../../onnx/quantise/blocks.ts'
import { quantiseDynamic } from '../../onnx/quantise/dynamic.ts'
import { equalise } from '../../onnx/quantise/equalise.ts'
import type { Calibration } from '../../protocol/calibration.ts'
import { JikoError } from '../../protocol/error.ts'
import type { PreparedModel } from './prepare-model.ts'
import type { SourceFolder } from './source.ts'

/**
 * What the phone runs. `int8`: weights and activations, by calibration (whose weights may have fewer bits here and
 * there). `int7`: the same with weights of 7 bits wherever rows are multiplied, for kernels that need them. `int4`, `int3`:
 * weights of so many bits, with calibration as int8, without in blocks. `dynamic`: int8 weights, activations measured at
 * each run. `fp16`, `none`: float, stored in 16 or 32 bits.
 */
export type Precision = 'int8' | 'int7' | 'int4' | 'int3' | 'dynamic' | 'fp16' | 'none'

export const BITS: Readonly<Partial<Record<Precision, number>>> = { int7: 7, int4: 4, int3: 3 }

export const isQuantised = (graph: Graph): boolean => graph.nodes.some(({ opType }) => opType === 'DequantizeLinear')

/** The graph in a precision, and what its variant is called. @throws JikoError `pack/not-calibrated`, `pack/stale-calibration`, `model/...` */
export function shrink(
  prepared: PreparedModel,
  precision: Precision,
  {
    calibration,
    calibrationFile,
    modelDigest,
    folder,
  }: Pick<SourceFolder, 'calibration' | 'calibrationFile' | 'modelDigest' | 'folder'>,
): { name: string; graph: Graph } {
  const { graph } = prepared
  // A model that came quantised is taken as it is: quantising twice would only lose.
  if (isQuantised(graph)) return { name: 'int8', graph }
  switch (precision) {
    case 'none':
      return { name: 'fp32', graph }
    case 'fp16':
      return { name: 'fp16', graph: storeAsHalf(graph) }
    case 'dynamic':
      return { name: 'int8', graph: quantiseDynamic(graph) }
    case 'int4':
    case 'int3':
      if (calibration) break
      return { name: precision, graph: quantiseBlocks(graph, BITS[precision] ?? 8) }
    case 'int8':
    case 'int7':
      break
  }
  if (!calibration) {
    throw new JikoError(
      'pack/not-calibrated',
      `${folder} has no ${calibrationFile}, which ${precision} needs; make it with \`jiko calibrate ${folder} --data SAMPLES\`.`,
    )
  }
  const fewest = Math.min(8, ...Object.values(calibration.bits ?? {}))
  return { name: `int${fewest}`, graph: quantisePrepared(prepared, calibration, modelDigest) }
}

/** The int8 graph by what calibration found. @throws JikoError `pack/stale-calibration`, `model/...` */
export function quantisePrepared(prepared: PreparedModel, calibration: Calibration, modelDigest: string): Graph {
  if (calibration.model !== modelDigest) {
    throw new JikoError(
      'pack/stale-calibration',
      'calibration.json was measured on another model file; measure it again with `jiko calibrate`.',
    )
  }
  const graph = (calibration.equalised && equalise(prepared.graph)) || prepared.graph
  return quantiseGraph(graph, new Map(Object.entries(calibration.ranges)), {
    keepFloat: new Set(calibration.float),
    corrections: new Map(Object.entries(calibration.corrections ?? {})),
    bits: new Map(Object.entries(calibration.bits ?? {})),
  })
}

import { createMeasure, type JudgedSamples } from '../../onnx/quantise/measure.ts'
import { writeExternal } from '../../onnx/write.ts'
import type { Calibration } from '../../protocol/calibration.ts'
import { JikoError } from '../../protocol/error.ts'
import { type CalibrateOptions, calibrate, type Measured } from './calibrate.ts'
import { chunkFiles } from './chunk.ts'
import type { PreparedModel } from './prepare-model.ts'
import { BITS, type Precision, shrink } from './shrink.ts'
import { CALIBRATION_FILE } from './source.ts'

/** One way to shrink a model, with what it weighs and what it costs. */
export interface Weighed {
  readonly precision: Precision
  /** Bytes of graph and weights, as stored in a pack. */
  readonly bytes: number
  /** In hundredths: points of accuracy where labels are known, else of cosine similarity. */
  readonly lost: number
  readonly calibration?: Calibration
}

/** What shrinking may cost when nobody says. */
export const USUAL_BUDGET = 0.5

/**
 * Tries what the model allows and answers the smallest that loses no more than the budget, with all that was tried.
 * @param samples of real data; without them nothing that needs calibration is tried, unless there is an older calibration.
 */
export async function chooseAutomatically(
  prepared: PreparedModel,
  measured: Measured,
  { samples, judged, known }: { samples?: JudgedSamples; judged: JudgedSamples; known?: Calibration },
  options: CalibrateOptions,
): Promise<{ best: Weighed; tried: Weighed[]; refused: string[] }> {
  const { engines, budget = USUAL_BUDGET, signal } = options
  const measure = await createMeasure(prepared.graph, judged, { open: engines.open, ...(signal && { signal }) })
  const tried: Weighed[] = []
  const refused: string[] = []
  const weigh = async (precision: Precision, make: () => Promise<Calibration | undefined>): Promise<void> => {
    signal?.throwIfAborted()
    try {
      const calibration = await make()
      // Nothing could be narrowed: that is int8, which is tried by itself.
      if (calibration && precision in BITS && !calibration.bits) return
      const { graph } = shrink(prepared, precision, {
        calibration,
        calibrationFile: CALIBRATION_FILE,
        modelDigest: measured.model,
        folder: measured.data,
      })
      const { model, weights } = writeExternal(graph.model, 'w')
      const { blob } = await chunkFiles(new Map(Object.entries({ model, weights })))
      const { lost } = await measure(graph)
      tried.push({ precision, bytes: blob.length, lost, ...(calibration && { calibration }) })
    } catch (error) {
      if (!(error instanceof JikoError) || !/^(model|runtime)\//.test(error.code)) throw error
      refused.push(`${precision}: ${error.message}`)
    }
  }
  const none = async (): Promise<undefined> => undefined
  for (const precision of ['int3', 'int4', 'int7', 'int8'] as const) {
    const bits = BITS[precision] ?? 8
    if (samples) await weigh(precision, () => calibrate(prepared, measured, samples, { ...options, budget, bits }))
    else if (precision === 'int8' && known) await weigh(precision, async () => known)
    else if (precision === 'int3' || precision === 'int4') await weigh(precision, none)
  }
  for (const precision of ['dynamic', 'fp16', 'none'] as const) await weigh(precision, none)
  const within = tried.filter(({ lost }) => lost <= budget).sort((a, b) => a.bytes - b.bytes)
  const [best] = within
  if (best) return { best, tried, refused }
  throw new JikoError('model/unusable', `The model runs in no precision here: ${refused.join('; ')}`)
}

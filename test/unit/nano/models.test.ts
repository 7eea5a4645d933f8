import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { compare } from '../../helpers/compare-engines.ts'

/** Supplied beside the project, not part of it: without them these tests are skipped. */
const SUPPLIED = fileURLToPath(new URL('../../../../shared/materials/models/', import.meta.url))

/** Every quantised value of the small ones; of the large ones, whose cuts take onnxruntime long, every eighth. */
const MODELS: Record<string, number> = {
  'cifar10-resnet8/cifar_int8.qdq.onnx': 1,
  'kws-dscnn-mlperf-tiny/kws_int8.qdq.onnx': 1,
  'person-vww-96/vww_int8.qdq.onnx': 2,
  'imagenet-mobilenet/mobilenet_v1_0.25_128_quant.qdq.onnx': 2,
  'imagenet-mobilenet/mobilenet_v1_0.5_160_quant.qdq.onnx': 4,
  'imagenet-mobilenet/mobilenet_v2_1.0_224_quant.qdq.onnx': 8,
  'inat-insect-mobilenet-v2/mobilenet_v2_1.0_224_inat_insect_quant.qdq.onnx': 16,
  'embed-mobilenet-v1/mobilenet_v1_1.0_224_quant_embedding_extractor.qdq.onnx': 8,
}

describe.skipIf(!existsSync(SUPPLIED))('supplied models, against onnxruntime', () => {
  for (const [path, every] of Object.entries(MODELS)) {
    test(path, { timeout: 180_000 }, async () => {
      const { steps, outputs } = await compare(new Uint8Array(readFileSync(SUPPLIED + path)), 20261123, every)
      expect(steps.length).toBeGreaterThan(2)
      expect(steps.filter(({ differ }) => differ > 0)).toEqual([])
      for (const difference of outputs) expect(difference).toBeLessThan(1e-5)
    })
  }
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createEngines, createWeighingEngines } from '../../../src/cli/engines.ts'
import { buildPack } from '../../../src/cli/pack/build-pack.ts'
import { openFolder } from '../../../src/cli/pack/open-folder.ts'
import { readSourceFolder } from '../../../src/cli/pack/source.ts'
import { writePack } from '../../../src/cli/pack/write-pack.ts'
import { makeNode } from '../../../src/onnx/attribute.ts'
import { writeModel } from '../../../src/onnx/write.ts'
import { programPaths } from '../../../src/protocol/manifest.ts'
import { startCalls } from '../../../src/runtime/feeding.ts'
import { openSession } from '../../../src/runtime/open-session.ts'
import { taskFor } from '../../../src/tasks/table.ts'
import { throwAwaySigner } from '../../helpers/synthetic-pack.ts'
import { temporaryFolder } from '../../helpers/temporary-folder.ts'
import { makeModel } from '../onnx/make.ts'
import { packJson } from './source.ts'

const grey = { layout: 'nchw', order: 'grey', mean: [255], std: [-255] } as const

/** Dark is text: the map is the picture itself. */
const finder = makeModel({
  inputs: { photo: [1, 1, 'height', 'width'] },
  outputs: { map: [1, 1, 'height', 'width'] },
  nodes: [makeNode('Relu', ['photo'], ['map'])],
})
/** "Reads" three letters by how dark each column is. */
const reader = makeModel({
  inputs: { line: [1, 1, 8, 'width'] },
  outputs: { letters: [1, 'width', 8] },
  nodes: [
    makeNode('Transpose', ['line'], ['turned'], { perm: [0, 3, 2, 1] }),
    makeNode('Squeeze', ['turned', 'last'], ['letters']),
  ],
  constants: { last: { type: 'int64', dims: [1], data: new BigInt64Array([3n]) } },
})
const page = {
  image: undefined,
  input: {
    kind: 'image',
    tensor: 'photo',
    width: 64,
    height: 64,
    fit: 'contain',
    step: 8,
    pad: [255, 255, 255],
    ...grey,
  },
  output: {
    kind: 'page',
    tensor: 'map',
    pixel: 0.3,
    least: 0.5,
    grow: 0.5,
    most: 4,
    line: {
      input: { kind: 'image', tensor: 'line', width: 64, height: 8, fit: 'line', step: 4, ...grey },
      output: { kind: 'text', tensor: 'letters', activation: 'probabilities', blank: 0, symbols: [...'abcdefg'] },
      least: 0,
    },
  },
  labels: [],
  reader: 'reader.onnx',
  precision: 'none',
}

function makeFolder(changes: object = {}): string {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'pack.json'), JSON.stringify(packJson({ ...page, ...changes })))
  writeFileSync(join(folder, 'model.onnx'), writeModel(finder))
  writeFileSync(join(folder, 'reader.onnx'), writeModel(reader))
  return folder
}

describe('a pack that finds lines and reads them', () => {
  it('has one program of two graphs, golden answers of each, and says what both take of memory', async () => {
    const signer = await throwAwaySigner()
    const built = await buildPack(await readSourceFolder(makeFolder()), { engines: createWeighingEngines(), signer })
    const [variant] = built.manifest.variants
    if (!variant) throw new Error('no variant')
    expect(variant.programs).toMatchObject([
      { engine: 'onnx', model: 'fp32/model.onnx', reader: { model: 'fp32/reader.onnx' }, memory: expect.any(Number) },
    ])
    expect(variant.golden.map(({ graph, output }) => [graph, ...Object.keys(output)])).toEqual([
      [undefined, 'map'],
      [undefined, 'map'],
      ['reader', 'letters'],
      ['reader', 'letters'],
    ])
    expect(built.manifest.files.map(({ path }) => path).sort()).toEqual(variant.programs.flatMap(programPaths).sort())
    const packs = temporaryFolder()
    await writePack(packs, built)
    const { manifest, read } = await openFolder(join(packs, built.manifest.name), [signer.key])
    const { session } = await openSession(variant, manifest, createEngines().backends, read)
    const data = new Uint8ClampedArray(64 * 64 * 4).fill(255)
    for (let y = 20; y < 32; y++) data.fill(0, (y * 64 + 8) * 4, (y * 64 + 56) * 4)
    const task = await taskFor(manifest, read)
    const answer = await task.run(
      { kind: 'image', pixels: { width: 64, height: 64, data } },
      startCalls(session, manifest),
    )
    if (answer.kind !== 'text') throw new Error(answer.kind)
    expect(answer.lines).toHaveLength(1)
    expect(answer.text).toMatch(/^[a-g]+$/)
    await session.dispose()
  })

  it.each([
    [{ reader: undefined }, 'an output "page" needs a "reader"'],
    [{ output: { kind: 'embedding', tensor: 'map', unit: true } }, 'an output "page" needs a "reader"'],
    [{ reader: 'other.onnx' }, 'other.onnx is missing'],
    [{ first: { name: 'small', model: 'model.onnx' } }, 'has no smaller model before it'],
  ])('is refused with %o', async (changes, said) => {
    await expect(readSourceFolder(makeFolder(changes))).rejects.toMatchObject({
      code: 'pack/bad-source',
      message: expect.stringContaining(said),
    })
  })

  it('says that its ranges were not measured', async () => {
    const source = await readSourceFolder(makeFolder({ precision: undefined }))
    const signer = await throwAwaySigner()
    await expect(buildPack(source, { engines: createEngines(), signer })).rejects.toMatchObject({
      code: 'pack/not-calibrated',
    })
  })
})

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { listSamples } from '../../../src/cli/data-set.ts'
import { createEngines } from '../../../src/cli/engines.ts'
import { buildPack } from '../../../src/cli/pack/build-pack.ts'
import { calibrate } from '../../../src/cli/pack/calibrate.ts'
import { prepareModel } from '../../../src/cli/pack/prepare-model.ts'
import { feedSamples } from '../../../src/cli/pack/samples.ts'
import { readSourceFolder, type SourceFolder } from '../../../src/cli/pack/source.ts'
import { createReadInput } from '../../../src/cli/read-input.ts'
import { writeModel } from '../../../src/onnx/write.ts'
import { asVariant } from '../../../src/protocol/manifest.ts'
import { throwAwaySigner } from '../../helpers/synthetic-pack.ts'
import { makeSmallNet } from '../onnx/make.ts'
import { makePhotos, makeSource } from './source.ts'

const engines = createEngines()
const decision = { temperature: 2, threshold: 0.6 }
let photos = ''

async function measure(source: SourceFolder): Promise<void> {
  const prepared = await prepareModel(source, engines.open)
  const samples = await listSamples(photos, 'image', createReadInput('image'))
  const fed = await feedSamples(prepared, samples, source.source.labels)
  const made = await calibrate(prepared, { model: source.modelDigest, data: 'photos' }, fed, { engines })
  writeFileSync(join(source.folder, source.calibrationFile), JSON.stringify(made))
}

const build = async (folder: string) =>
  buildPack(await readSourceFolder(folder), { engines, signer: await throwAwaySigner() })

function sourceWithFirst(first: object = {}): string {
  const folder = makeSource({ first: { name: 'small', model: 'small.onnx', decision, ...first } })
  writeFileSync(join(folder, 'small.onnx'), writeModel(makeSmallNet(3)))
  return folder
}

beforeAll(async () => {
  photos = await makePhotos()
})

describe('a pack with a smaller model that comes first', () => {
  it('has both variants, each with its own files, decision and golden answers', async () => {
    const folder = sourceWithFirst()
    const source = await readSourceFolder(folder)
    await measure(source)
    if (source.first) await measure(source.first)
    const { manifest } = await build(folder)
    const [full, small] = manifest.variants
    expect(manifest.variants).toMatchObject([{ name: 'int8' }, { name: 'small', role: 'first', decision }])
    expect(full?.role).toBeUndefined()
    expect(small?.programs[0]).toMatchObject({ engine: 'nano', plan: 'small/model.plan' })
    expect(small?.golden).not.toEqual(full?.golden)
    if (!small) throw new Error('no variant')
    expect(asVariant(manifest, small).decision).toEqual(decision)
    expect(asVariant(manifest, small).labels).toEqual(manifest.labels)
  })

  it('says which calibration is missing', async () => {
    const folder = sourceWithFirst()
    await measure(await readSourceFolder(folder))
    await expect(build(folder)).rejects.toMatchObject({
      code: 'pack/not-calibrated',
      message: expect.stringContaining('small.calibration.json'),
    })
  })

  it('is refused when the smaller model is not there, or its name is none', async () => {
    await expect(readSourceFolder(sourceWithFirst({ model: 'other.onnx' }))).rejects.toMatchObject({
      code: 'pack/bad-source',
      message: expect.stringContaining('other.onnx'),
    })
    const folder = sourceWithFirst({ name: '../small' })
    expect(readFileSync(join(folder, 'pack.json'), 'utf8')).toContain('../small')
    await expect(readSourceFolder(folder)).rejects.toMatchObject({ code: 'pack/bad-source' })
  })
})

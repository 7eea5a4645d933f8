import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { describeWork } from '../../../src/cli/commands/pack.ts'
import { listSamples } from '../../../src/cli/data-set.ts'
import { createEngines } from '../../../src/cli/engines.ts'
import { chooseAutomatically, type Work } from '../../../src/cli/pack/auto.ts'
import { buildPack } from '../../../src/cli/pack/build-pack.ts'
import { calibrate } from '../../../src/cli/pack/calibrate.ts'
import { openFolder } from '../../../src/cli/pack/open-folder.ts'
import { prepareModel } from '../../../src/cli/pack/prepare-model.ts'
import { feedSamples, seededSamples } from '../../../src/cli/pack/samples.ts'
import type { Precision } from '../../../src/cli/pack/shrink.ts'
import { externalIn, readSourceFolder } from '../../../src/cli/pack/source.ts'
import { bytesOf, writePack } from '../../../src/cli/pack/write-pack.ts'
import { createReadInput } from '../../../src/cli/read-input.ts'
import { withModel } from '../../../src/onnx/engine.ts'
import { writeModel } from '../../../src/onnx/write.ts'
import { parsePackIndex } from '../../../src/protocol/pack-index.ts'
import { float32, type Tensors } from '../../../src/protocol/tensor.ts'
import { openSession } from '../../../src/runtime/open-session.ts'
import { throwAwaySigner } from '../../helpers/synthetic-pack.ts'
import { temporaryFolder } from '../../helpers/temporary-folder.ts'
import { makeSmallNet } from '../onnx/make.ts'
import { makePhotos, makeSource, packJson } from './source.ts'

const engines = createEngines()
let photos = ''
let source = ''

async function measure(folder: string): Promise<void> {
  const read = await readSourceFolder(folder)
  const prepared = await prepareModel(read, engines.open)
  const samples = await listSamples(photos, 'image', createReadInput('image'))
  const fed = await feedSamples(prepared, samples, read.source.labels)
  const calibration = await calibrate(prepared, { model: read.modelDigest, data: 'photos' }, fed, { engines })
  writeFileSync(join(folder, 'calibration.json'), JSON.stringify(calibration))
}

const onnx = expect.objectContaining({ engine: 'onnx' })

const build = async (folder: string) =>
  buildPack(await readSourceFolder(folder), { engines, signer: await throwAwaySigner() })

beforeAll(async () => {
  photos = await makePhotos()
  source = makeSource()
  await measure(source)
})

describe('building a pack', () => {
  it('lets a model read weights beside it and nowhere else', () => {
    const read = externalIn(source)
    expect(read('card.md')?.length).toBeGreaterThan(0)
    expect(read('none.bin')).toBeUndefined()
    for (const path of ['../secret', '/etc/hostname', 'a/../../secret'])
      expect(() => read(path)).toThrow(expect.objectContaining({ code: 'model/bad-external' }))
  })

  it('takes along the questions that stand beside it, and names a bad one', async () => {
    const folder = makeSource()
    await measure(folder)
    const question = { kind: 'number', name: 'trees', label: { en: 'How many?' } }
    writeFileSync(join(folder, 'form.json'), JSON.stringify({ questions: [question] }))
    expect((await build(folder)).manifest.form).toEqual({ questions: [question] })
    writeFileSync(join(folder, 'form.json'), JSON.stringify({ questions: [{ ...question, kind: 'slider' }] }))
    await expect(build(folder)).rejects.toThrow(
      expect.objectContaining({ code: 'pack/bad-form', message: expect.stringContaining('"trees"') }),
    )
  })

  it('gives the same manifest line and blob each time, whoever signs', async () => {
    const [first, second] = [await build(source), await build(source)]
    expect(second.digest).toBe(first.digest)
    expect(second.blob).toEqual(first.blob)
    expect(second.text.split('\n')[0]).toBe(first.text.split('\n')[0])
    expect(second.text).not.toBe(first.text)
  })

  it('prefers nano, keeps onnx, and both give the golden answers', async () => {
    const { manifest, notes } = await build(source)
    expect(manifest.variants[0]?.programs.map(({ engine }) => engine)).toEqual(['nano', 'onnx'])
    expect(notes).toEqual([expect.stringContaining('no accuracy.json')])
    expect(bytesOf(manifest)).toBeLessThan(manifest.blob.length)
  })

  it('is read back whole and answers; a changed byte is told', async () => {
    const out = temporaryFolder()
    const pack = await build(source)
    await writePack(out, pack)
    const folder = join(out, 'small')
    const key = JSON.parse(pack.text.split('\n')[1] ?? '').key
    const read = await openFolder(folder, [key])
    expect(read.digest).toBe(pack.digest)
    const variant = read.manifest.variants[0]
    if (!variant) throw new Error('no variant')
    const opened = await openSession(variant, read.manifest, engines.backends, read.read)
    expect(opened).toMatchObject({ variant: 'int8', refused: [] })
    await opened.session.dispose()
    await expect(openFolder(folder, [])).rejects.toMatchObject({ code: 'pack/untrusted' })

    const blob = join(folder, pack.manifest.blob.path)
    const bytes = readFileSync(blob)
    bytes[100] = (bytes[100] ?? 0) ^ 1
    writeFileSync(blob, bytes)
    await expect((await openFolder(folder, [key])).read('int8/model.plan')).rejects.toMatchObject({
      code: 'pack/damaged',
    })
    writeFileSync(blob, bytes.subarray(0, 50))
    await expect(openFolder(folder, [key])).rejects.toMatchObject({ code: 'pack/damaged' })
    const manifest = join(folder, 'manifest.ndjson')
    writeFileSync(manifest, pack.text.replace('A small net', 'A large net'))
    await expect(openFolder(folder, [key])).rejects.toMatchObject({ code: 'pack/bad-signature' })
  })

  it('says in the index which other pack it needs to hide faces', async () => {
    const out = temporaryFolder()
    const asking = makeSource({ name: 'asking' })
    writeFileSync(join(asking, 'form.json'), JSON.stringify({ blurFaces: 'small', questions: [] }))
    await measure(asking)
    expect((await writePack(out, await build(asking))).map(({ name }) => name)).toEqual(['asking'])
    expect((await writePack(out, await build(source))).map(({ name }) => name)).toEqual(['asking', 'small'])
    const { packs } = parsePackIndex(readFileSync(join(out, 'index.json'), 'utf8'))
    expect(packs.map(({ finder }) => finder)).toEqual(['small', undefined])
    const bad = JSON.stringify({ packs: [{ ...packs[0], finder: '../elsewhere' }] })
    expect(() => parsePackIndex(bad)).toThrow('finder')
  })

  it('lists packs in the index, replaces its own entry, and leaves no old blob or part behind', async () => {
    const out = temporaryFolder()
    const other = makeSource({ name: 'another' })
    await measure(other)
    await writePack(out, await build(other))
    await writePack(out, await build(source))
    const next = makeSource({ version: '1.0.1' })
    writeFileSync(join(next, 'card.md'), '# Other\n')
    await measure(next)
    const pack = await build(next)
    await writePack(out, pack)
    const { packs } = parsePackIndex(readFileSync(join(out, 'index.json'), 'utf8'))
    expect(packs.map(({ name, version }) => [name, version])).toEqual([
      ['another', '1.0.0'],
      ['small', '1.0.1'],
    ])
    expect(packs[1]).toMatchObject({ digest: pack.digest, url: 'small/manifest.ndjson' })
    expect(readdirSync(join(out, 'small')).sort()).toEqual([pack.manifest.blob.path, 'manifest.ndjson'].sort())
  })

  it('shows accuracy only of exactly what is shipped', async () => {
    const folder = makeSource()
    await measure(folder)
    const figures = { data: 'd', split: 'test', metric: 'accuracy', value: 0.9, count: 10, runtime: 'nano 1' }
    const entry = {
      name: 'int8',
      program: '0'.repeat(64),
      figures: [figures],
      calibrationError: 0.1,
      perClass: {},
      confusion: [],
    }
    writeFileSync(join(folder, 'accuracy.json'), JSON.stringify({ format: 'jiko-accuracy/1', variants: [entry] }))
    const pack = await build(folder)
    expect(pack.manifest.variants[0]?.accuracy).toBeUndefined()
    expect(pack.notes.join()).toContain('LEFT OUT')
  })

  it('carries weights in half the bytes when asked to', async () => {
    const options = { engines, signer: await throwAwaySigner() }
    const half = await buildPack(await readSourceFolder(source), { ...options, precision: 'fp16' })
    const full = await buildPack(await readSourceFolder(source), { ...options, precision: 'none' })
    expect(half.manifest.variants).toMatchObject([{ name: 'fp16', programs: expect.arrayContaining([onnx]) }])
    const values = ({ manifest }: typeof half) =>
      Object.values(manifest.variants[0]?.golden[0]?.output ?? {}).flatMap((wanted) =>
        Array.isArray(wanted) ? wanted : wanted.values,
      )
    values(full).forEach((value, i) => {
      expect(values(half)[i]).toBeCloseTo(value, 2)
    })
  })

  it('carries the float model when asked to', async () => {
    const pack = await buildPack(await readSourceFolder(source), {
      engines,
      signer: await throwAwaySigner(),
      precision: 'none',
    })
    expect(pack.manifest.variants).toMatchObject([{ name: 'fp32', programs: expect.arrayContaining([onnx]) }])
  })
})

describe('choosing the precision', () => {
  const prepared = async () => {
    const folder = await readSourceFolder(source)
    return { folder, prepared: await prepareModel(folder, engines.open) }
  }

  it('tries what the model allows and takes the smallest that loses no more than the budget', async () => {
    const { folder, prepared: model } = await prepared()
    const measured = { model: folder.modelDigest, data: 'photos' }
    const samples = await feedSamples(model, await listSamples(photos, 'image', createReadInput('image')), [])
    for (const budget of [50, 1e-9]) {
      const given = { samples, judged: samples }
      const { best, tried, refused } = await chooseAutomatically(model, measured, given, { engines, budget })
      const within = tried.filter(({ lost }) => lost <= budget)
      expect(best.bytes).toBe(Math.min(...within.map(({ bytes }) => bytes)))
      expect(tried.map(({ precision }) => precision)).toEqual(expect.arrayContaining(['int8', 'fp16', 'none']))
      expect(refused.join()).toContain('dynamic')
      expect(best.precision === 'none').toBe(budget < 1)
      const pack = await buildPack(
        { ...folder, calibration: best.calibration },
        { engines, signer: await throwAwaySigner(), precision: best.precision, prepared: model },
      )
      expect(pack.manifest.variants).toHaveLength(1)
    }
  })

  it('weighs each as a phone would fetch it, says what it is at, and measures ranges once for all of them', async () => {
    const { folder, prepared: model } = await prepared()
    const measured = { model: folder.modelDigest, data: 'photos' }
    const samples = await feedSamples(model, await listSamples(photos, 'image', createReadInput('image')), [])
    const opened = { wide: 0 }
    const counting = {
      ...engines,
      open: async (bytes: Uint8Array<ArrayBuffer>) => {
        const runner = await engines.open(bytes)
        return {
          ...runner,
          async run(inputs: Parameters<typeof runner.run>[0]) {
            const outputs = await runner.run(inputs)
            // Only where ranges are taken does every tensor come out.
            if (Object.keys(outputs).length > 3) opened.wide += 1
            return outputs
          },
        }
      },
    }
    const tries: string[] = []
    const work: Work[] = []
    const { tried } = await chooseAutomatically(
      model,
      measured,
      { samples, judged: samples },
      {
        engines: counting,
        budget: 50,
        onTry: (precision, at, of) => tries.push(`${precision} ${at}/${of}`),
        onWork: (one) => work.push(one),
      },
    )
    expect(tries).toEqual(['int3 1/7', 'int4 2/7', 'int7 3/7', 'int8 4/7', 'dynamic 5/7', 'fp16 6/7', 'none 7/7'])
    expect(work).toEqual([{ runs: expect.any(Number), ms: expect.any(Number), nodes: 3 }])
    // As it is and equalised, each all samples for the ends and for what lies between.
    expect(opened.wide).toBeGreaterThan(0)
    expect(opened.wide).toBeLessThanOrEqual(4 * samples.length)
    const signer = await throwAwaySigner()
    for (const { precision, bytes, calibration } of tried) {
      const pack = await buildPack({ ...folder, calibration }, { engines, signer, precision, prepared: model })
      expect([precision, bytes]).toEqual([precision, bytesOf(pack.manifest)])
    }
  })

  it('does not look node by node into what cannot be the smallest any more', async () => {
    const { folder, prepared: model } = await prepared()
    const measured = { model: folder.modelDigest, data: 'photos' }
    const samples = await feedSamples(model, await listSamples(photos, 'image', createReadInput('image')), [])
    const exact: Tensors[] = []
    await withModel(engines.open, writeModel(model.graph.model), async (runner) => {
      for (let i = 0; i < samples.length; i++) exact.push(await runner.run(await samples.at(i)))
    })
    const distance = (index: number, outputs: Tensors): number => {
      const [wanted, got] = [exact[index], outputs].map((one) =>
        [...(Object.values(one ?? {})[0]?.data ?? [])].map(Number),
      )
      return Math.max(...(wanted ?? []).map((value, i) => Math.abs(value - (got?.[i] ?? Number.NaN))))
    }
    const choose = async (
      right: (index: number, outputs: Tensors) => boolean,
      onTry = (_: Precision): void => undefined,
    ) => {
      const given = { samples: { ...samples, right }, judged: { ...samples, right } }
      const { tried } = await chooseAutomatically(model, measured, given, { engines, budget: 0.5, onTry })
      return Object.fromEntries(tried.map((one) => [one.precision, one]))
    }
    const far = new Map<Precision, number[]>()
    let trying: Precision = 'none'
    const whatever = await choose(
      (index, outputs) => {
        far.set(trying, [...(far.get(trying) ?? []), distance(index, outputs)])
        return true
      },
      (precision) => {
        trying = precision
      },
    )
    expect(whatever.int8?.calibration?.float).toBeUndefined()
    // Of all that was judged the answers of the graph itself came last.
    const int7 = far.get('int7')?.slice(-samples.length) ?? []
    // As if seven bits cost nothing and eight everything: those would have to stay float here and there.
    const near = await choose((index, outputs) => [0, int7[index]].includes(distance(index, outputs)))
    expect(near.int7?.lost).toBe(0)
    expect(near.int8?.lost).toBeGreaterThan(0.5)
    expect(near.int8?.bytes).toBeGreaterThan(near.int7?.bytes ?? 0)
    expect(near.int8?.calibration?.float).toBeUndefined()
    const never = await choose((index, outputs) => distance(index, outputs) === 0)
    expect(never.int8?.calibration?.float).toBeDefined()
  })

  it('says why it may take long, only where it may', () => {
    expect(describeWork({ runs: 1000, ms: 20, nodes: 3 }, 0.5)).toBeUndefined()
    expect(describeWork({ runs: 4000, ms: 700, nodes: 83 }, 0.5)).toMatch(
      /47 minutes and more.*up to 4000 times, 700 ms each.*more than 0\.5 .*83 nodes/,
    )
  })

  it('says loudly when int8 has cost too much', async () => {
    const { folder } = await prepared()
    const { calibration } = folder
    if (!calibration) throw new Error('no calibration')
    expect(calibration.lost).toEqual({ value: expect.any(Number), of: 'accuracy' })
    for (const value of [2, 40]) {
      const lossy = { ...calibration, lost: { value, of: 'accuracy' as const } }
      const { notes } = await buildPack({ ...folder, calibration: lossy }, { engines, signer: await throwAwaySigner() })
      expect(notes.some((note) => note.includes('LOSES 40 points'))).toBe(value === 40)
    }
  })

  it('without data tries only what needs none', async () => {
    const { folder, prepared: model } = await prepared()
    const judged = seededSamples(model, 4)
    const measured = { model: folder.modelDigest, data: 'seeds' }
    const { best, tried } = await chooseAutomatically(model, measured, { judged }, { engines })
    expect(tried.map(({ precision }) => precision)).toEqual(['fp16', 'none'])
    expect(best).toMatchObject({ precision: 'fp16' })
  })

  it('counts points of accuracy where every sample has a label that the pack knows', async () => {
    const { folder, prepared: model } = await prepared()
    const list = await listSamples(photos, 'image', createReadInput('image'))
    const known = await feedSamples(model, list, folder.source.labels)
    const { tensor } = { tensor: '', ...model.output }
    const answer = (best: number) => ({
      [tensor]: float32(
        [1, 4],
        Float32Array.from([0, 1, 2, 3], (i) => Number(i === best)),
      ),
    })
    // Folders come in the order of their names: four, one, three, two.
    expect([0, 1, 2, 3].map((best) => known.right?.(0, answer(best)))).toEqual([false, false, false, true])
    expect((await feedSamples(model, list, folder.source.labels.slice(1))).right).toBeUndefined()
  })
})

describe('a source that is not right', () => {
  const broken = async (edit: (folder: string) => void, changes: object = {}) => {
    const folder = makeSource(changes)
    edit(folder)
    return readSourceFolder(folder).then((read) => prepareModel(read, engines.open))
  }

  it.each<[string, string, (folder: string) => void]>([
    ['no pack.json', 'pack/bad-source', (folder) => rmSync(join(folder, 'pack.json'))],
    ['a pack.json that is not JSON', 'pack/bad-source', (folder) => writeFileSync(join(folder, 'pack.json'), '{')],
    ['no model', 'pack/bad-source', (folder) => rmSync(join(folder, 'model.onnx'))],
    [
      'a model cut short',
      'model/unreadable',
      (folder) => writeFileSync(join(folder, 'model.onnx'), writeModel(makeSmallNet()).slice(0, 700)),
    ],
    [
      'a calibration of nonsense',
      'pack/bad-calibration',
      (folder) => writeFileSync(join(folder, 'calibration.json'), '{"format":"x"}'),
    ],
    [
      'a path out of the folder',
      'pack/bad-source',
      (folder) => writeFileSync(join(folder, 'pack.json'), JSON.stringify(packJson({ model: '../model.onnx' }))),
    ],
  ])('%s is refused', async (_, code, edit) => {
    await expect(broken(edit)).rejects.toMatchObject({ code })
  })

  it.each<[string, string, object]>([
    ['labels that do not fit', 'model/wrong-labels', { labels: [{ id: 'only', name: { en: 'Only' } }] }],
    ['a size that does not fit', 'model/wrong-input', { image: { ...(packJson().image as object), width: 32 } }],
    ['an input that is not there', 'model/which', { image: { ...(packJson().image as object), tensor: 'pixels' } }],
    ['an output that is not there', 'model/which', { output: 'answer' }],
  ])('%s is refused', async (_, code, changes) => {
    await expect(broken(() => undefined, changes)).rejects.toMatchObject({ code })
  })

  it('is not packed without calibration, or with that of another model', async () => {
    const folder = makeSource()
    await expect(build(folder)).rejects.toMatchObject({ code: 'pack/not-calibrated' })
    await measure(folder)
    writeFileSync(join(folder, 'model.onnx'), writeModel(makeSmallNet(2)))
    await expect(build(folder)).rejects.toMatchObject({ code: 'pack/stale-calibration' })
  })
})

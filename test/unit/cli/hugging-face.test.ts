import { execFile } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { createEngines } from '../../../src/cli/engines.ts'
import { chooseModel } from '../../../src/cli/hugging-face/choose-model.ts'
import { guessPreprocessing } from '../../../src/cli/hugging-face/guess-image.ts'
import { type RepositoryOptions, readRepository } from '../../../src/cli/hugging-face/read-repository.ts'
import { parseEndpoint, parseRepository } from '../../../src/cli/hugging-face/repository.ts'
import { buildPack } from '../../../src/cli/pack/build-pack.ts'
import { openFolder } from '../../../src/cli/pack/open-folder.ts'
import { writePack } from '../../../src/cli/pack/write-pack.ts'
import { makeNode } from '../../../src/onnx/attribute.ts'
import type { ModelProto } from '../../../src/onnx/onnx_pb.ts'
import { writeModel } from '../../../src/onnx/write.ts'
import { startCalls } from '../../../src/runtime/feeding.ts'
import { openSession } from '../../../src/runtime/open-session.ts'
import { taskFor } from '../../../src/tasks/table.ts'
import {
  COMMIT,
  type HubContents,
  type HubFault,
  type HubRequest,
  type HuggingFaceServer,
  startHuggingFaceServer,
} from '../../helpers/hugging-face-server.ts'
import { throwAwaySigner } from '../../helpers/synthetic-pack.ts'
import { temporaryFolder } from '../../helpers/temporary-folder.ts'
import { createRandom, makeModel, makeSmallNet, randomFloats } from '../onnx/make.ts'

const ID = 'farm/Leaf_Net.v2'
const MODEL = writeModel(makeSmallNet())
const CONFIG = {
  architectures: ['ViTForImageClassification'],
  id2label: { 1: 'rust', 0: 'healthy leaf', 2: 'miner', 3: 'phoma' },
}
const PREPROCESSOR = {
  do_resize: true,
  size: { height: 20, width: 20 },
  resample: 3,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.5, 0.4, 0.3],
  image_std: [0.2, 0.2, 0.25],
}
const FILES: HubContents['files'] = {
  'config.json': JSON.stringify(CONFIG),
  'preprocessor_config.json': JSON.stringify(PREPROCESSOR),
  'onnx/model.onnx': MODEL,
  'onnx/model_quantized.onnx': 'shrunk',
}

/** Ids and a mask to a mean of rows of a table, then two logits. */
function makeTextNet(): ModelProto {
  const random = createRandom(8)
  const model = makeModel({
    inputs: { input_ids: ['batch', 'sequence'], attention_mask: ['batch', 'sequence'] },
    outputs: { logits: ['batch', 2] },
    constants: {
      table: randomFloats([100, 16], random),
      w: randomFloats([16, 64], random),
      v: randomFloats([64, 2], random),
      one: { type: 'int64', dims: [1], data: BigInt64Array.of(1n) },
      last: { type: 'int64', dims: [1], data: BigInt64Array.of(2n) },
    },
    nodes: [
      makeNode('Gather', ['table', 'input_ids'], ['rows'], { axis: 0 }),
      makeNode('Cast', ['attention_mask'], ['mask'], { to: 1 }),
      makeNode('Unsqueeze', ['mask', 'last'], ['column']),
      makeNode('Mul', ['rows', 'column'], ['kept']),
      makeNode('ReduceSum', ['kept', 'one'], ['sum'], { keepdims: 0 }),
      makeNode('MatMul', ['sum', 'w'], ['wide']),
      makeNode('Relu', ['wide'], ['hidden']),
      makeNode('MatMul', ['hidden', 'v'], ['logits']),
    ],
  })
  for (const { type } of model.graph?.input ?? []) if (type?.value.case === 'tensorType') type.value.value.elemType = 7
  return model
}

const TOKENIZER_JSON = JSON.stringify({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: null,
  decoder: null,
  model: { type: 'WordLevel', vocab: { '?': 0, a: 1, b: 2 }, unk_token: '?' },
})

let server: HuggingFaceServer | undefined
let waits: number[] = []

afterEach(async () => {
  await server?.close()
  server = undefined
  waits = []
})

const start = async (
  contents: Partial<HubContents> = {},
  fault?: (request: HubRequest, number: number) => HubFault,
) => {
  server = await startHuggingFaceServer({ id: ID, files: FILES, ...contents }, fault)
  return server
}

const read = (options: Partial<RepositoryOptions> = {}, onProgress?: (done: number, total: number) => void) =>
  readRepository(
    parseRepository(`hf:${ID}`),
    { cache: temporaryFolder(), ...options },
    { endpoint: server?.origin ?? '', sleep: async (ms) => void waits.push(ms) },
    onProgress,
  )

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort()

/** True for the request that brings the model's bytes. */
const isModel = ({ method, path }: HubRequest): boolean => method === 'GET' && path === '/cdn-lfs/onnx/model.onnx'

describe('a model of a Hugging Face hub', () => {
  it('is read with labels, preprocessing and licence, and all that was guessed is said', async () => {
    await start({ facts: { cardData: { license: 'apache-2.0' } } })
    const { folder, guessed } = await read()
    expect(folder.model).toEqual(MODEL)
    expect(folder.source).toMatchObject({
      name: 'leaf-net-v2',
      task: 'image-classification',
      licence: 'apache-2.0',
      attribution: 'farm',
      sources: [`${server?.origin}/${ID}/tree/${COMMIT}`],
      labels: [{ id: 'healthy-leaf' }, { id: 'rust' }, { id: 'miner' }, { id: 'phoma' }],
      // The graph's own fixed size counts more than the file's.
      image: { width: 16, height: 16, fit: 'stretch', layout: 'nchw', mean: [127.5, 102, 76.5], std: [51, 51, 63.75] },
    })
    const said = guessed.join('; ')
    expect(said).toContain('onnx/model.onnx at 0123456789ab (the float one, not onnx/model_quantized.onnx)')
    expect(said).toContain('4 labels from id2label (healthy leaf, rust, miner, ...)')
    expect(said).toContain('licence apache-2.0')
    expect(said).toContain('resamples bicubic there')
    expect(said).toContain('(pixel - [127.5, 102, 76.5]) / [51, 51, 63.75]')
  })

  it('becomes a pack', async () => {
    await start()
    const { folder } = await read()
    const pack = await buildPack(folder, {
      engines: createEngines(),
      signer: await throwAwaySigner(),
      precision: 'none',
    })
    expect(pack.manifest).toMatchObject({ name: 'leaf-net-v2', task: 'image-classification' })
  })

  it('is packed by the command, which says what it guessed in one line', async () => {
    const { origin } = await start()
    const home = temporaryFolder()
    const main = join(import.meta.dirname, '../../../src/cli/main.ts')
    const jiko = (...args: string[]) =>
      promisify(execFile)(process.execPath, [main, 'pack', ...args, '--hf-endpoint', origin, '--quantize', 'fp16'], {
        cwd: home,
        env: { ...process.env, JIKO_RELEASE_KEY: join(home, 'key.json'), JIKO_CACHE: join(home, 'cache') },
      })
    const { stdout, stderr } = await jiko(`hf:${ID}`, '--out', 'packs')
    expect(stdout).toMatch(/^leaf-net-v2 1\.0\.0 /)
    expect(stderr).toMatch(/^jiko: guessed: onnx\/model\.onnx at [^\n]+\n/)
    await expect(jiko('hf:farm/none', '--out', 'none')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^jiko: \[download\/not-found\] [^\n]+\n$/),
    })
    expect(readdirSync(home).sort()).toEqual(['cache', 'key.json', 'packs'])
  })

  it('lets what a person says count more', async () => {
    await start()
    const labels = join(temporaryFolder(), 'labels.txt')
    writeFileSync(labels, 'a\nb\nc\nd\n')
    const { folder } = await read({ mean: 0, std: 255, labels, name: 'mine', licence: 'MIT', file: 'onnx/model.onnx' })
    expect(folder.source).toMatchObject({
      name: 'mine',
      licence: 'MIT',
      image: { mean: [0, 0, 0], std: [255, 255, 255] },
      labels: [{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd' }],
    })
  })

  it('is not fetched twice, but again when the kept file was damaged', async () => {
    const { requests } = await start()
    const cache = temporaryFolder()
    await read({ cache })
    const before = requests.length
    await read({ cache })
    const second = requests.slice(before)
    expect(second.filter(({ method, path }) => method === 'GET' && !path.startsWith('/api/models/'))).toEqual([])
    const kept = join(cache, 'hugging-face', readdirSync(join(cache, 'hugging-face'))[0] ?? '', ID, COMMIT)
    writeFileSync(join(kept, 'onnx/model.onnx'), new Uint8Array(MODEL.length))
    const { folder } = await read({ cache })
    expect(folder.model).toEqual(MODEL)
    expect(requests.filter(isModel)).toHaveLength(2)
  })

  it('goes on where the line was cut', async () => {
    const { requests, cut } = await start({}, (one) => (isModel(one) && !one.range ? { holdAfter: 700 } : {}))
    const cache = temporaryFolder()
    const { folder } = await read({ cache }, (done, total) => {
      if (done === 700 && total === MODEL.length) cut()
    })
    expect(folder.model).toEqual(MODEL)
    expect(requests.filter(isModel).map(({ range }) => range)).toEqual([undefined, 'bytes=700-'])
    expect(files(cache)).toEqual(['config.json', 'model.onnx', 'preprocessor_config.json'])
  })

  it('goes on in a later run, after it gave up on a line that brings nothing', async () => {
    let good = false
    const fault = (one: HubRequest): HubFault => {
      if (!isModel(one) || good) return {}
      return one.range ? { cutAfter: 0 } : { holdAfter: 700 }
    }
    const { requests, cut } = await start({}, fault)
    const cache = temporaryFolder()
    const first = read({ cache }, (done, total) => {
      if (done === 700 && total === MODEL.length) cut()
    })
    await expect(first).rejects.toMatchObject({ code: 'download/cut', message: expect.stringContaining('700 of') })
    expect(files(cache)).not.toContain('model.onnx')
    const tries = requests.length
    good = true
    expect((await read({ cache })).folder.model).toEqual(MODEL)
    expect(requests.slice(tries).filter(isModel)).toEqual([expect.objectContaining({ range: 'bytes=700-' })])
  })

  it('waits as long as a busy hub asks, and not for ever', async () => {
    await start({}, (_, number) => (number === 0 ? { status: 429, headers: { 'retry-after': '7' } } : {}))
    await read()
    expect(waits).toEqual([7000])
    await server?.close()
    await start({}, () => ({ status: 429, headers: { 'retry-after': '86400' } }))
    await expect(read()).rejects.toMatchObject({ code: 'download/busy', message: expect.stringContaining('86400 s') })
    expect(waits).toEqual([7000])
  })

  it.each([
    [401, 'download/private'],
    [403, 'download/private'],
    [404, 'download/not-found'],
    [500, 'download/refused'],
  ])('says why it was refused: %i', async (status, code) => {
    await start({}, () => ({ status }))
    await expect(read()).rejects.toMatchObject({ code })
  })

  it('believes neither a lying length nor other bytes, and keeps nothing of them', async () => {
    const cache = temporaryFolder()
    const fault = { lengthLie: 5 } as HubFault
    await start({}, ({ path }) => (path.endsWith('/config.json') && path.includes('resolve-cache') ? fault : {}))
    await expect(read({ cache })).rejects.toMatchObject({ code: 'download/cut' })
    fault.lengthLie = 2 ** 40
    await expect(read({ cache })).rejects.toMatchObject({ code: 'download/too-large' })
    await server?.close()
    await start({}, (request) => (isModel(request) ? { damage: true } : {}))
    const other = temporaryFolder()
    await expect(read({ cache: other })).rejects.toMatchObject({ code: 'download/corrupt' })
    expect(files(other)).toEqual(['config.json', 'preprocessor_config.json'])
  })

  it.each(['../../x.onnx', '/etc/x.onnx', 'a/../../x.onnx', 'a\\..\\x.onnx', 'C:x.onnx', 'a//x.onnx', 'a\u0000.onnx'])(
    'refuses the whole repository for the file name %j',
    async (name) => {
      await start({ listed: ['config.json', name] })
      const cache = temporaryFolder()
      await expect(read({ cache })).rejects.toMatchObject({ code: 'model/bad-repository' })
      expect(files(cache)).toEqual([])
    },
  )

  it('refuses a huge or broken JSON file and wrong labels', async () => {
    await start({ files: { ...FILES, 'config.json': ' '.repeat(8_000_001) } })
    await expect(read()).rejects.toMatchObject({ code: 'download/too-large' })
    await server?.close()
    await start({ files: { ...FILES, 'config.json': '<html>' } })
    await expect(read()).rejects.toMatchObject({ code: 'model/bad-repository' })
    await server?.close()
    await start({ files: { ...FILES, 'config.json': JSON.stringify({ ...CONFIG, id2label: { 0: 'a', 2: 'b' } }) } })
    await expect(read()).rejects.toMatchObject({ code: 'pack/bad-source' })
  })

  it('refuses a task that packs cannot do with the true reason, before the model is fetched', async () => {
    const config = JSON.stringify({ architectures: ['BertForMaskedLM'] })
    const { requests } = await start({ files: { ...FILES, 'config.json': config } })
    await expect(read()).rejects.toMatchObject({
      code: 'pack/unsupported-task',
      message: expect.stringContaining('BertForMaskedLM'),
    })
    expect(requests.filter(isModel)).toEqual([])
  })

  it('becomes a pack that reads text, where config.json and tokenizer.json say how', async () => {
    const files = {
      'config.json': JSON.stringify({
        architectures: ['BertForSequenceClassification'],
        id2label: { 0: 'good', 1: 'bad' },
        vocab_size: 100,
        max_position_embeddings: 16,
        pad_token_id: 3,
      }),
      'tokenizer.json': TOKENIZER_JSON,
      'onnx/model.onnx': writeModel(makeTextNet()),
    }
    await start({ files })
    const { folder, guessed } = await read()
    expect(guessed.join('; ')).toContain('at most 16 tokens of 100; padded with 3')
    const engines = createEngines()
    const pack = await buildPack(folder, { engines, signer: await throwAwaySigner(), precision: 'dynamic' })
    expect(pack.manifest).toMatchObject({
      task: 'text-classification',
      input: { kind: 'text', features: { kind: 'tokens', mask: 'attention_mask', length: 16, pad: 3, type: 'int64' } },
      output: { kind: 'classes', activation: 'logits' },
      variants: [{ name: 'int8' }],
    })
    const out = temporaryFolder()
    await writePack(out, pack)
    const { key } = pack.text
      .split('\n')
      .slice(1, 2)
      .map((line) => JSON.parse(line))[0]
    const { manifest, read: readFile } = await openFolder(join(out, 'leaf-net-v2'), [key])
    const task = await taskFor(manifest, readFile)
    const variant = manifest.variants[0]
    if (!variant) throw new Error('no variant')
    const { session } = await openSession(variant, manifest, engines.backends, readFile)
    const answer = await task.run({ kind: 'text', text: 'a b a' }, startCalls(session, manifest))
    expect(answer).toMatchObject({ kind: 'classes', scores: [{}, {}] })
    await session.dispose()
  })

  it.each<[string, string, Record<string, string>]>([
    ['no tokenizer', 'model/not-a-text-model', { 'tokenizer.json': '' }],
    ['a tokenizer nested too deep', 'pack/bad-tokenizer', { 'tokenizer.json': '['.repeat(5_000_000) }],
    ['a tokenizer that is too large', 'download/too-large', { 'tokenizer.json': ' '.repeat(24_000_001) }],
    ['a tokenizer that is none', 'pack/bad-tokenizer', { 'tokenizer.json': '{"model":{"type":"Nonsense"}}' }],
    [
      'no count of tokens',
      'model/bad-repository',
      { 'config.json': '{"architectures":["BertForSequenceClassification"]}' },
    ],
  ])('is refused in one line with %s', async (_, code, changes) => {
    const config = {
      architectures: ['BertForSequenceClassification'],
      id2label: { 0: 'good', 1: 'bad' },
      vocab_size: 100,
    }
    const all = {
      'config.json': JSON.stringify(config),
      'tokenizer.json': TOKENIZER_JSON,
      'onnx/model.onnx': writeModel(makeTextNet()),
      ...changes,
    }
    await start({ files: Object.fromEntries(Object.entries(all).filter(([, content]) => content !== '')) })
    const made = read().then(async ({ folder }) =>
      buildPack(folder, { engines: createEngines(), signer: await throwAwaySigner(), precision: 'none' }),
    )
    await expect(made).rejects.toMatchObject({ code, message: expect.stringMatching(/^[^\n]{1,600}$/) })
  })

  it('stops when asked to', async () => {
    await start()
    const endpoint = server?.origin ?? ''
    const work = readRepository(
      parseRepository(`hf:${ID}`),
      { cache: temporaryFolder() },
      { endpoint, signal: AbortSignal.abort() },
    )
    await expect(work).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('names of repositories and hubs', () => {
  it.each(['hf:', 'hf:name', 'hf:a/b/c', 'hf:../x', 'hf:a/..', 'hf:a/b?x', 'hf:a/b c'])('refuses %j', (name) => {
    expect(() => parseRepository(name)).toThrow(expect.objectContaining({ code: 'cli/bad-repository' }))
  })

  it('refuses bad revisions and addresses', () => {
    expect(() => parseRepository('hf:a/b', '../x')).toThrow(expect.objectContaining({ code: 'cli/bad-repository' }))
    for (const text of ['nonsense', 'ftp://x', 'https://a:b@c'])
      expect(() => parseEndpoint(text)).toThrow(expect.objectContaining({ code: 'cli/bad-endpoint' }))
    expect(parseEndpoint('https://mirror.example/hub/')).toBe('https://mirror.example/hub')
  })
})

describe('choosing the ONNX file', () => {
  it('takes the float one, with its weights', () => {
    expect(chooseModel('a/b', ['model.onnx', 'onnx/model.onnx', 'onnx/model.onnx_data'])).toMatchObject({
      path: 'onnx/model.onnx',
      external: ['onnx/model.onnx_data'],
    })
    expect(chooseModel('a/b', ['net.onnx', 'net_int8.onnx']).path).toBe('net.onnx')
  })

  it('does not choose between strangers, and says what a repository has instead', () => {
    expect(() => chooseModel('a/b', ['encoder.onnx', 'decoder.onnx'])).toThrow(/--file: encoder\.onnx, decoder\.onnx/)
    expect(() => chooseModel('a/b', ['model.safetensors'])).toThrow(/no \.onnx file \(it holds model\.safetensors\)/)
    expect(() => chooseModel('a/b', ['model.onnx'], 'x.onnx')).toThrow(
      expect.objectContaining({ code: 'model/no-onnx' }),
    )
  })
})

describe('preprocessing of transformers', () => {
  it('crops where it crops, shifts where it shifts', () => {
    const { image, said } = guessPreprocessing({
      size: { shortest_edge: 256 },
      crop_size: 224,
      do_center_crop: true,
      rescale_factor: 1 / 127.5,
      rescale_offset: true,
      do_normalize: false,
      do_flip_channel_order: true,
    })
    expect(image).toEqual({
      fit: 'cover',
      order: 'bgr',
      mean: [127.5, 127.5, 127.5],
      std: [127.5, 127.5, 127.5],
      width: 224,
      height: 224,
    })
    expect(said.join()).toContain('cuts 224 out of 256')
  })

  it('refuses what is not a colour picture', () => {
    expect(() => guessPreprocessing({ image_mean: [0.5] })).toThrow(
      expect.objectContaining({ code: 'model/not-an-image' }),
    )
    expect(() => guessPreprocessing({ image_mean: 0.5, image_std: 0 })).toThrow(/divides by 0/)
  })
})

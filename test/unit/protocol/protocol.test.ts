import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { randomBytes, toBase64Url, utf8 } from '../../../src/lib/bytes.ts'
import { sha256 } from '../../../src/lib/sha256.ts'
import { fromWire, JikoError, toWire } from '../../../src/protocol/error.ts'
import { EMPTY_HASH, nextHash, nextHashOf, streamId } from '../../../src/protocol/log.ts'
import {
  asVariant,
  formatSignedManifest,
  type Manifest,
  parseSignedManifest,
  programPaths,
  type Variant,
} from '../../../src/protocol/manifest.ts'
import { localised } from '../../../src/protocol/primitives.ts'
import { feedingOf, readerOf } from '../../../src/protocol/reader.ts'
import { parseRecord, type RecordBody } from '../../../src/protocol/record.ts'
import { createSigner, generateKeyPair, verify } from '../../../src/protocol/sign.ts'

const manifest: Manifest = {
  format: 'jiko-pack/1',
  name: 'leaf',
  version: '1.0.0',
  task: 'image-classification',
  title: { en: 'Leaf', sw: 'Jani' },
  description: { en: 'A leaf' },
  labels: [{ id: 'leaf_miner', name: { en: 'Leaf miner' } }],
  input: {
    kind: 'image',
    tensor: 'image',
    width: 8,
    height: 4,
    fit: 'cover',
    layout: 'nchw',
    order: 'rgb',
    mean: [0, 0, 0],
    std: [1, 1, 1],
  },
  output: { kind: 'classes', tensor: 'logits', activation: 'logits' },
  decision: { temperature: 1, threshold: 0.5 },
  variants: [
    {
      name: 'int8',
      programs: [{ engine: 'onnx', model: 'int8/model.onnx' }],
      golden: [{ seed: 1, output: {}, tolerance: 0 }],
    },
  ],
  blob: { path: 'leaf.bin', length: 10, chunks: [{ length: 10, size: 20, sha256: 'a'.repeat(64) }] },
  files: [{ path: 'int8/model.onnx', size: 20, chunks: [0] }],
  licence: 'Apache-2.0',
  attribution: 'somebody',
}
const sound = { kind: 'audio', tensor: 'x', rate: 16_000, samples: 16_000, gain: 'none' } as const
const tokens = {
  kind: 'tokens',
  tokenizer: 'tokenizer.json',
  type: 'int64',
  ids: 'input_ids',
  vocabulary: 100,
  length: 8,
} as const
const lines = {
  kind: 'page',
  tensor: 'map',
  pixel: 0.3,
  least: 0.5,
  grow: 2,
  most: 50,
  line: {
    input: { ...manifest.input, fit: 'line', width: 64 },
    output: { kind: 'text', tensor: 'letters', activation: 'logits', blank: 0, symbols: ['a'] },
    least: 0.5,
  },
} as const
const whole = { ...manifest.input, fit: 'contain', step: 4 } as const
const [int8] = manifest.variants as [Variant]
const reading: Variant = {
  ...int8,
  programs: [{ engine: 'onnx', model: 'int8/model.onnx', reader: { model: 'int8/model.onnx' } }],
}
const signature = { alg: 'ES256', key: 'A'.repeat(87), signature: 'B'.repeat(86) } as const
const text = (changed: object): string => formatSignedManifest(JSON.stringify({ ...manifest, ...changed }), signature)

const sampled = { dims: [1, 99], values: Array(64).fill(0.5), tolerance: 0.1 }
const answering = (map: unknown): string =>
  text({ variants: [{ ...int8, golden: [{ seed: 1, output: { map }, tolerance: 0 }] }] })

describe('manifest', () => {
  it('reads what was written, and keeps the exact text of line 1', () => {
    const read = parseSignedManifest(text({}))
    expect(read.manifest).toEqual(manifest)
    expect(read.line).toBe(JSON.stringify(manifest))
    expect(read.signature).toEqual(signature)
  })

  it.each([
    ['<!doctype html>', 'the manifest is not JSON, it begins with "<!doctype html>"'],
    [`${JSON.stringify(manifest)}\n`, 'the manifest signature (line 2) is not JSON'],
    [text({ format: 'jiko-pack/9' }), 'format'],
    [text({ surprise: 1 }), 'surprise'],
    [text({ title: { sw: 'Jani' } }), 'title: expected a text for "en"'],
    [text({ name: '../leaf' }), 'name: expected lower-case letters'],
    [text({ blob: { ...manifest.blob, path: '../../etc/passwd' } }), 'blob.path: expected a relative path'],
    [text({ blob: { ...manifest.blob, path: 'https://evil/x' } }), 'blob.path: expected a relative path'],
    [text({ blob: { ...manifest.blob, length: 11 } }), 'do not add up'],
    [text({ files: [{ path: 'int8/model.onnx', size: 20, chunks: [7] }] }), 'chunks that are not there'],
    [text({ files: [{ path: 'other.onnx', size: 20, chunks: [0] }] }), 'names a file that is not in the pack'],
    [text({ files: [...manifest.files, ...manifest.files] }), 'there twice'],
    [text({ input: { ...manifest.input, std: [1, 1] } }), 'input: rgb needs 3 numbers'],
    [text({ input: { ...manifest.input, order: 'grey' } }), 'input: grey needs 1 numbers'],
    [text({ input: { kind: 'smell' } }), 'input.kind'],
    [text({ input: { ...sound, features: { kind: 'waveform', dims: [1, 99] } } }), 'dims do not hold 16000 samples'],
    [
      text({ input: { kind: 'text', features: { ...tokens, tokenizer: '../etc/passwd' } } }),
      'expected a relative path',
    ],
    [text({ input: { kind: 'text', features: tokens } }), 'names a file that is not in the pack'],
    [text({ output: { kind: 'taste' } }), 'output.kind'],
    [text({ labels: [] }), 'labels: an output of this kind needs at least one'],
    [text({ constants: { sr: { type: 'int64', dims: [], data: [] } } }), 'constants.sr.data'],
    [text({ input: { ...manifest.input, std: [1, 0, 1] } }), 'input.std: expected no zero'],
    [text({ variants: [...manifest.variants, ...manifest.variants] }), 'variants: two variants have one name'],
    [text({ variants: manifest.variants.map((one) => ({ ...one, role: 'first' })) }), 'without the role "first"'],
    [text({ variants: manifest.variants.map((one) => ({ ...one, role: 'last' })) }), 'role'],
    [text({ variants: manifest.variants.map((one) => ({ ...one, name: 'Int 8' })) }), 'variants.0.name: expected'],
    [
      text({
        blob: { ...manifest.blob, length: 2 ** 21, chunks: [{ length: 2 ** 21, size: 20, sha256: 'a'.repeat(64) }] },
      }),
      'length',
    ],
    [answering([0.5, 'much']), 'golden.0.output.map.1'],
    [answering({ dims: [1, 99], values: Array(64).fill(0) }), 'golden.0.output.map.tolerance'],
    [answering({ ...sampled, values: Array(63).fill(0) }), 'the values are neither all nor a sample'],
    [answering({ ...sampled, values: Array(100).fill(0) }), 'the values are neither all nor a sample'],
    [answering({ ...sampled, dims: [1, 9.5] }), 'golden.0.output.map.dims.1'],
    [answering({ ...sampled, places: [1, 2] }), 'places'],
    [answering(null), 'golden.0.output.map'],
    [text({ input: whole, output: lines }), 'an output "page" needs'],
    [text({ variants: [reading] }), 'an output "page" needs'],
    [text({ input: { ...whole, fit: 'cover' }, output: lines, variants: [reading] }), 'an output "page" needs'],
    [text({ input: { ...whole, step: 3 }, output: lines, variants: [reading] }), 'width and height are no multiples'],
    [
      text({
        input: whole,
        output: { ...lines, line: { ...lines.line, input: { ...lines.line.input, std: [1] } } },
        variants: [reading],
      }),
      'input: rgb needs 3 numbers',
    ],
    [
      text({
        input: whole,
        output: lines,
        variants: [{ ...int8, programs: [{ ...reading.programs[0], reader: { model: 'reader.onnx' } }] }],
      }),
      'names a file that is not in the pack',
    ],
    [
      text({
        variants: [{ ...int8, programs: [{ engine: 'onnx', model: 'int8/model.onnx', reader: { plan: 'x' } }] }],
      }),
      'reader.model',
    ],
  ])('refuses %#: one clear line', (bad, said) => {
    expect(() => parseSignedManifest(bad)).toThrow(said)
  })

  it('tells how a variant is fed, read and judged', () => {
    const [full] = manifest.variants
    if (!full) throw new Error('no variant')
    expect(asVariant(manifest, full)).toEqual(manifest)
    const input = { ...manifest.input, width: 4 }
    const decision = { temperature: 2, threshold: 0.7 }
    const small: Variant = { ...full, name: 'small-int8', role: 'first', input, decision }
    expect(parseSignedManifest(text({ variants: [full, small] })).manifest.variants[1]).toEqual(small)
    expect(asVariant(manifest, small)).toEqual({ ...manifest, input, decision })
  })

  it('may have a second graph, which reads what the first one finds', () => {
    const both = parseSignedManifest(text({ input: whole, output: lines, variants: [reading], labels: [] })).manifest
    const [program] = both.variants[0]?.programs ?? []
    if (!program) throw new Error('no program')
    expect(programPaths(program)).toEqual(['int8/model.onnx', 'int8/model.onnx'])
    expect(readerOf({ ...program, memory: 9 })).toEqual({ engine: 'onnx', model: 'int8/model.onnx' })
    expect(feedingOf(both, 'reader')).toEqual({ input: lines.line.input })
    expect(feedingOf(both, undefined)).toBe(both)
    expect(readerOf({ engine: 'nano', plan: 'a', reader: { plan: 'b' } })).toEqual({ engine: 'nano', plan: 'b' })
    expect(readerOf({ engine: 'nano', plan: 'a' })).toBeUndefined()
  })

  it('has golden outputs as lists, and long ones as samples or written shorter', () => {
    for (const map of [[0.5, 1], [], sampled, { dims: [2], values: [1, 2], tolerance: 0 }]) {
      const [variant] = parseSignedManifest(answering(map)).manifest.variants
      expect(variant?.golden[0]?.output).toEqual({ map })
    }
  })

  it('finds text in the language, its base, else English', () => {
    expect(localised({ en: 'Leaf', sw: 'Jani' }, 'sw-TZ')).toBe('Jani')
    expect(localised({ en: 'Leaf' }, 'fr')).toBe('Leaf')
  })
})

const result: RecordBody = {
  v: 1,
  kind: 'result',
  at: { wall: 1, mono: 2, session: 'abc', zone: 180 },
  task: 'image-classification',
  pack: { name: 'leaf', version: '1.0.0', digest: 'a'.repeat(64) },
  variant: 'int8',
  backend: 'ort-wasm 1.30.0',
  prep: '1',
  answer: { kind: 'classes', label: 'rust', score: 0.9, sure: true },
  scores: [['rust', 0.9]],
  threshold: 0.5,
  ms: 12,
  attachments: [],
}

describe('record', () => {
  it('reads lines of before there were other kinds of answers', () => {
    const old = { ...result, answer: { label: 'rust', score: 0.9, sure: true } }
    expect(parseRecord(JSON.stringify(old))).toEqual(result)
  })

  it('reads a line, and lets fields of a newer app pass', () => {
    expect(parseRecord(JSON.stringify(result))).toEqual(result)
    expect(parseRecord(JSON.stringify({ ...result, invented: 2030 }))).toMatchObject(result)
  })

  it('says what became of faces, in as much as is known', () => {
    const by = { name: 'face-finder', version: '1.0.0', digest: 'f'.repeat(64) }
    for (const faces of [{ hidden: 0, by }, { unkept: 'pack/absent' }, { hidden: 2, by, unkept: 'person' }]) {
      expect(parseRecord(JSON.stringify({ ...result, faces }))).toEqual({ ...result, faces })
    }
  })

  it.each([
    ['', 'is not JSON'],
    [JSON.stringify({ ...result, faces: { hidden: -1 } }), 'faces.hidden'],
    [JSON.stringify({ ...result, faces: { hidden: 1, by: { name: 'Face Finder' } } }), 'faces.by'],
    [JSON.stringify({ ...result, faces: { unkept: '' } }), 'faces.unkept'],
    [JSON.stringify({ ...result, faces: 'none' }), 'faces'],
    ['[]', 'is not valid'],
    [JSON.stringify({ ...result, kind: 'poem' }), 'kind'],
    [JSON.stringify({ ...result, answer: { label: 'rust', score: 7, sure: true } }), 'answer.score'],
    [JSON.stringify({ v: 1, kind: 'note', at: result.at, ref: 'nonsense', text: 'x' }), 'ref: expected a record id'],
    [JSON.stringify({ ...result, padding: 'x'.repeat(70_000) }), '64 KiB'],
  ])('refuses %#', (bad, said) => {
    expect(() => parseRecord(bad)).toThrow(said)
  })
})

describe('log', () => {
  it('chains as sync.md says: H(q) = SHA-256(H(q-1) ‖ SHA-256(line q))', async () => {
    const line = JSON.stringify(result)
    const hash = await nextHash(EMPTY_HASH, line)
    expect(hash).toBe(await nextHashOf(EMPTY_HASH, await sha256(utf8(line))))
    // Known answer from Python's hashlib.
    expect(await nextHash(EMPTY_HASH, 'abc')).toBe('589f9ffed4c477966bfb8d41f37895b08c69047df8f911d6f3b57fbe08faee8d')
    expect(await nextHash(hash, line)).not.toBe(hash)
  })

  it('names a stream by key and epoch: another epoch is another stream', async () => {
    const key = toBase64Url(randomBytes(65))
    const streams = await Promise.all([1, 2].map(() => streamId(key, toBase64Url(randomBytes(16)))))
    expect(streams[0]).toMatch(/^[a-z2-7]{16}$/)
    expect(streams[0]).not.toBe(streams[1])
  })
})

describe('signatures', () => {
  it('verify for the signer only, and never throw on rubbish', async () => {
    const signer = await createSigner(await generateKeyPair(false))
    const other = await createSigner(await generateKeyPair(false))
    const message = utf8('rust on 3 leaves')
    const signed = await signer.sign(message)
    expect(signer.key).toMatch(/^[\w-]{87}$/)
    expect(signed).toMatch(/^[\w-]{86}$/)
    expect(await verify(signer.key, message, signed)).toBe(true)
    expect(await verify(other.key, message, signed)).toBe(false)
    expect(await verify(signer.key, utf8('rust on 4 leaves'), signed)).toBe(false)
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (key, rubbish) => {
        expect(await verify(key, message, rubbish)).toBe(false)
      }),
      { numRuns: 50 },
    )
  })
})

describe('errors', () => {
  it('are one line, whatever name from outside they quote', () => {
    const { message } = new JikoError('model/broken', 'no node "a\nb\u001b[2Jc"')
    expect(message).toBe('no node "a b [2Jc"')
  })
})

describe('errors on the wire', () => {
  it('keep code, detail and cause, which structured clone would lose', () => {
    const error = new JikoError('storage/quota', 'full', { cause: new Error('disk'), detail: { bytes: 5 } })
    const back = fromWire(structuredClone(toWire(error)))
    expect(back).toBeInstanceOf(JikoError)
    expect(back).toMatchObject({
      code: 'storage/quota',
      message: 'full',
      detail: { bytes: 5 },
      cause: { message: 'disk' },
    })
  })

  it('keep an abort an abort, and carry what is not even an Error', () => {
    expect(fromWire(toWire(new DOMException('stop', 'AbortError'))).name).toBe('AbortError')
    expect(fromWire(toWire('a string')).message).toBe('a string')
    expect(fromWire(toWire(new TypeError('type'))).name).toBe('TypeError')
  })
})

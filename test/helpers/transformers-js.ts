import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Bytes, utf8 } from '../../src/lib/bytes.ts'
import { makeNode } from '../../src/onnx/attribute.ts'
import { writeModel } from '../../src/onnx/write.ts'
import { makeModel } from '../unit/onnx/make.ts'
import type { FlakyServer } from './flaky-server.ts'

const run = promisify(execFile)
const VERSION = '4.3.0'

/** The peer of the delivery bench: the published browser bundle and the runtime that it names. */
export interface TransformersJs {
  version: string
  /** By path on the server. */
  files: ReadonlyMap<string, Bytes>
}

/**
 * Fetched from npm into a temporary folder, as no dependency: it would bring native add-ons and install scripts.
 * Undefined when there is no registry to fetch it from.
 */
export async function fetchTransformersJs(): Promise<TransformersJs | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'jiko-peer-'))
  try {
    const peer = await unpack(folder, `@huggingface/transformers@${VERSION}`)
    const { dependencies } = JSON.parse(await readFile(join(peer, 'package.json'), 'utf8'))
    const runtime = await unpack(folder, `onnxruntime-web@${dependencies['onnxruntime-web']}`)
    const read = async (path: string): Promise<Bytes> => new Uint8Array(await readFile(path))
    return {
      version: VERSION,
      files: new Map([
        ['/transformers.js', await read(join(peer, 'dist/transformers.min.js'))],
        ['/ort.mjs', await read(join(runtime, 'dist/ort-wasm-simd-threaded.asyncify.mjs'))],
        ['/ort.wasm', await read(join(runtime, 'dist/ort-wasm-simd-threaded.asyncify.wasm'))],
      ]),
    }
  } catch (error) {
    console.log(`transformers.js could not be fetched from npm: ${error instanceof Error ? error.message : error}`)
    return undefined
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function unpack(folder: string, name: string): Promise<string> {
  const target = await mkdtemp(join(folder, 'package-'))
  await run('npm', ['pack', name, '--ignore-scripts'], { cwd: target })
  const [archive = ''] = await readdir(target)
  await run('tar', ['xzf', archive], { cwd: target })
  return join(target, 'package')
}

export const PEER_MODEL = '/models/bench/onnx/model.onnx'

/** An ONNX file that carries these bytes as weights, and adds 1. */
export function modelOf(weights: Bytes): Bytes {
  const one = { type: 'float32', dims: [1], data: Float32Array.of(1) } as const
  return writeModel(
    makeModel({
      inputs: { x: [1] },
      outputs: { y: [1] },
      constants: { one, weights: { type: 'uint8', dims: [weights.length], data: weights } },
      nodes: [makeNode('Add', ['x', 'one'], ['y'])],
    }),
  )
}

const PAGE = `<!doctype html><title>peer</title><script type="module">
import { AutoModel, env } from '/transformers.js'
env.allowLocalModels = false
env.remoteHost = location.origin
env.remotePathTemplate = 'models/{model}/'
env.backends.onnx.wasm.wasmPaths = { mjs: location.origin + '/ort.mjs', wasm: location.origin + '/ort.wasm' }
env.backends.onnx.wasm.numThreads = 1
/** Loads the model; answers the SHA-256 of what it keeps for the next time. */
globalThis.load = async () => {
  await AutoModel.from_pretrained('bench', { dtype: 'fp32', device: 'wasm' })
  const kept = await (await caches.open('transformers-cache')).match(location.origin + '${PEER_MODEL}')
  const digest = await crypto.subtle.digest('SHA-256', await kept.arrayBuffer())
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
</script>`

export function publishPeer(server: FlakyServer, { files }: TransformersJs, model: Bytes): void {
  for (const [path, bytes] of files) server.put(path, bytes)
  server.put('/peer.html', utf8(PAGE))
  server.put('/models/bench/config.json', utf8('{"model_type":"vit","architectures":["ViTModel"]}'))
  server.put(PEER_MODEL, model)
}

import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { rolldown } from 'rolldown'
import { createGraph } from '../../src/onnx/graph.ts'
import { lower } from '../../src/onnx/lower/lower.ts'
import { readModel } from '../../src/onnx/read.ts'
import { findChromium } from './find-chromium.ts'
import type { BenchModel } from './nano-models.ts'
import { serveFolders } from './serve-folder.ts'
import { type FlatBuilder, writeTflite } from './tflite-net.ts'

/** Installed for the bench alone, into a folder of their own: too large to be dependencies. */
const PACKAGES = [
  '@litertjs/core@2.5.3',
  '@tensorflow/tfjs-core@4.22.0',
  '@tensorflow/tfjs-backend-cpu@4.22.0',
  '@tensorflow/tfjs-backend-wasm@4.22.0',
  'flatbuffers@25.9.23',
]
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface PeerTimes {
  /** Milliseconds of a run, by engine, in the order they were taken. */
  readonly samples: Readonly<Record<string, number[]>>
  readonly problems: Readonly<Record<string, string>>
  /** Milliseconds to create nano's first session of this page. */
  readonly created: number
}

export async function installPeers(): Promise<string> {
  const folder = join(tmpdir(), 'jiko-bench-peers')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  const { status, stderr } = spawnSync('npm', ['install', ...flags, ...PACKAGES], { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the peers cannot be installed: ${stderr.slice(-300)}`)
  return folder
}

/** Opens a page of a real Chromium in which nano and its peers run side by side, on one thread. */
export async function openPeers(): Promise<{
  measure(model: BenchModel, rounds: number): Promise<PeerTimes | undefined>
  close(): Promise<void>
}> {
  const peers = await installPeers()
  const modules = join(peers, 'node_modules')
  const { Builder } = createRequire(join(peers, 'package.json'))('flatbuffers') as {
    Builder: new (bytes: number) => FlatBuilder
  }
  await mkdir(join(ROOT, 'dist'), { recursive: true })
  const pages = await mkdtemp(join(ROOT, 'dist/bench-page-'))
  const build = await rolldown({
    input: join(ROOT, 'test/helpers/peer-page.js'),
    platform: 'browser',
    external: /^\/ort\//,
    resolve: { modules: [modules, join(ROOT, 'node_modules')] },
  })
  await build.write({ dir: pages, format: 'esm', entryFileNames: 'page.js' })
  await writeFile(
    join(pages, 'index.html'),
    '<!doctype html><title>bench</title><script type="module" src="/page.js"></script>',
  )
  const server = await serveFolders({
    '/': pages,
    '/ort/': join(ROOT, 'node_modules/onnxruntime-web/dist'),
    '/tfjs/': join(modules, '@tensorflow/tfjs-backend-wasm/dist'),
    '/litert/': join(modules, '@litertjs/core/wasm'),
  })
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] })
  const page = await browser.newPage({ bypassCSP: true })
  await page.goto(server.origin)

  return {
    async measure({ int8, float32, net }, rounds) {
      if (!net) return undefined
      const graph = createGraph(readModel(int8))
      const files = {
        'model.nano': lower(graph).plan,
        'model.int8.onnx': int8,
        'model.float32.onnx': float32,
        'model.tflite': writeTflite(new Builder(1 << 20), net.size, net.layers),
      }
      for (const [name, bytes] of Object.entries(files)) await writeFile(join(pages, name), bytes)
      const wanted = { ...net, input: graph.inputs[0]?.name ?? '' }
      return page.evaluate(
        ([of, count]) =>
          (
            globalThis as unknown as { measure(path: string, net: unknown, rounds: number): Promise<PeerTimes> }
          ).measure('/model', of, count),
        [wanted, rounds] as const,
      )
    },
    async close() {
      await browser.close()
      await server.close()
      await rm(pages, { recursive: true, force: true })
    },
  }
}

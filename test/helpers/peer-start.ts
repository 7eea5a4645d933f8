import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { architectures, type NetLayer } from './nano-models.ts'
import { installPeers } from './peers.ts'
import { serveFolders } from './serve-folder.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** The net that all peers were compared with. */
export const PEER_NET = 'MobileNetV1 0.25/224'

/** How many numbers a net has learned. */
const numbersOf = (layers: readonly NetLayer[]): number =>
  layers.reduce((sum, layer) => {
    if (layer.op === 'add') return sum
    if (layer.op === 'finish') return sum + (layer.channels + 1) * layer.classes
    const { depthwise, inside, channels, kernel } = layer
    return sum + (depthwise ? 1 : channels) * inside * kernel * kernel + channels
  }, 0)

/**
 * A page with nothing but the peer that is the fastest to start, tfjs with its WebAssembly backend, and a model: it calls
 * `answered`, which has to be there, with the milliseconds to its first answer. The browser keeps all its files.
 */
export async function servePeerStart(photo: string): Promise<{ origin: string; close(): Promise<void> }> {
  const modules = join(await installPeers(), 'node_modules')
  await mkdir(join(ROOT, 'dist'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, 'dist/bench-peer-start-'))
  const build = await rolldown({
    input: join(ROOT, 'test/helpers/peer-start-page.js'),
    platform: 'browser',
    resolve: { modules: [modules] },
  })
  await build.write({ dir: folder, format: 'esm', minify: true, entryFileNames: 'page.js' })
  const net = architectures().find(({ name }) => name === PEER_NET)?.net
  if (!net) throw new Error(`there is no ${PEER_NET}`)
  await writeFile(join(folder, 'net.json'), JSON.stringify(net))
  const weights = Float32Array.from({ length: numbersOf(net.layers) }, (_, i) => Math.sin(i) / 8)
  await writeFile(join(folder, 'weights.bin'), weights)
  await copyFile(photo, join(folder, 'photo.jpg'))
  const html = '<!doctype html><title>peer</title><script type="module" src="/page.js"></script>'
  await writeFile(join(folder, 'index.html'), html)
  const server = await serveFolders(
    { '/': folder, '/tfjs/': join(modules, '@tensorflow/tfjs-backend-wasm/dist') },
    { kept: true },
  )
  return {
    origin: server.origin,
    async close() {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

import { readFileSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'

const PACKAGE = new URL('../node_modules/onnxruntime-web/', import.meta.url)
const { version } = JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8')) as { version: string }

/** Folder of the runtime inside the built app. The version is in the name, so a cached copy never goes stale. */
export const ORT_FOLDER = `runtime/ort-${version}`

/** Folder of scripts that only some packs need, beside that of the runtime. */
export const packFolder = (name: string): string => `runtime/${name}`

/** The plain WASM build, which every phone can use, and the one for WebGPU. */
const FILES = ['', '.jspi'].flatMap((build) => [
  `ort-wasm-simd-threaded${build}.mjs`,
  `ort-wasm-simd-threaded${build}.wasm`,
])

/** Puts the runtime's own files beside the app, once, so that no other origin is ever asked for them. */
export async function copyOrtRuntime(appFolder: string): Promise<void> {
  const target = join(appFolder, ORT_FOLDER)
  await mkdir(target, { recursive: true })
  for (const file of FILES) await copyFile(new URL(`dist/${file}`, PACKAGE), join(target, file))
}

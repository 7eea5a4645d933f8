import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Bytes } from '../lib/bytes.ts'
import { createMemo } from '../lib/memo.ts'
import { createSerial } from '../lib/serial.ts'
import { JikoError } from '../protocol/error.ts'
import type { Pixels } from '../protocol/task.ts'
import { checkImageSize, type ImageSize } from '../tasks/image-size.ts'

interface Picture {
  readonly data: Uint8ClampedArray
  readonly width: number
  readonly height: number
}

type Decode = (bytes: Bytes) => Promise<Picture>

const require = createRequire(import.meta.url)
const compile = async (name: string): Promise<WebAssembly.Module> =>
  WebAssembly.compile(await readFile(require.resolve(name)))

/** A compiled codec, quiet: what it prints of a damaged file, the error that follows says better. */
const settings = (module: WebAssembly.Module) => ({
  print: () => undefined,
  printErr: () => undefined,
  instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) {
    WebAssembly.instantiate(module, imports).then(done)
    return {}
  },
})

async function loadJpeg(): Promise<Decode> {
  const { default: decode, init } = await import('@jsquash/jpeg/decode.js')
  const module = await compile('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm')
  return async (bytes) => {
    // A damaged file ends the module for good ("exit"), so each picture gets its own; it is compiled only once.
    const status = process.exitCode
    await init(settings(module))
    try {
      return await decode(bytes.slice().buffer, { preserveOrientation: true })
    } finally {
      process.exitCode = status
    }
  }
}

async function loadPng(): Promise<Decode> {
  const { default: decode, init } = await import('@jsquash/png/decode.js')
  await init(await compile('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'))
  return (bytes) => decode(bytes.slice().buffer)
}

async function loadWebp(): Promise<Decode> {
  const { default: decode, init } = await import('@jsquash/webp/decode.js')
  const module = await compile('@jsquash/webp/codec/dec/webp_dec.wasm')
  return async (bytes) => {
    await init(settings(module))
    return decode(bytes.slice().buffer)
  }
}

const LOADERS: Partial<Record<ImageSize['type'], () => Promise<Decode>>> = {
  'image/jpeg': loadJpeg,
  'image/png': loadPng,
  'image/webp': loadWebp,
}

/**
 * Decodes photos in Node as a browser does: upright by their EXIF orientation, to RGBA.
 * @throws JikoError `input/not-an-image`, `input/too-large`, `input/unsupported-image` (GIF, BMP).
 */
export function createImageDecoder(): (bytes: Bytes) => Promise<Pixels> {
  const decoders = createMemo<ImageSize['type'], Decode>()
  // One at a time: the codecs' set-up is shared.
  const serial = createSerial()
  return async (bytes) => {
    const { type } = checkImageSize(bytes)
    const load = LOADERS[type]
    if (!load)
      throw new JikoError('input/unsupported-image', `${type} pictures cannot be read here; give JPEG, PNG or WebP`)
    const decode = await decoders.get(type, load)
    const picture = await serial(() => decode(bytes)).catch((cause) => {
      throw new JikoError('input/not-an-image', `the ${type} picture is damaged and cannot be opened`, { cause })
    })
    const { width, height, data } = picture
    return { width, height, data: new Uint8ClampedArray(data) }
  }
}

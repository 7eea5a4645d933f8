import type { Bytes } from '../../lib/bytes.ts'
import { decompress } from '../../lib/compress.ts'
import { JikoError } from '../../protocol/error.ts'
import { KERNEL_BYTES, KERNEL_SIZES } from './kernel-bytes.ts'

export type KernelBuild = keyof typeof KERNEL_SIZES
export type KernelFunctions = Readonly<Record<string, (...args: number[]) => void>>

/** The WebAssembly of every build. @throws JikoError `runtime/no-kernels` where the platform cannot unpack them. */
export async function loadKernels(): Promise<ReadonlyMap<KernelBuild, Bytes>> {
  const sizes = Object.entries(KERNEL_SIZES) as [KernelBuild, number][]
  const packed = Uint8Array.from(atob(KERNEL_BYTES), (char) => char.charCodeAt(0))
  const all = await decompress(packed, 'deflate-raw', 1 << 20).catch((cause) => {
    throw new JikoError('runtime/no-kernels', 'nano cannot unpack its kernels: the browser is too old', { cause })
  })
  const builds = new Map<KernelBuild, Bytes>()
  let at = 0
  for (const [name, size] of sizes) {
    builds.set(name, all.slice(at, at + size))
    at += size
  }
  return builds
}

/** A build's functions over a memory. */
export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<KernelFunctions> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } })
  return exports as unknown as KernelFunctions
}

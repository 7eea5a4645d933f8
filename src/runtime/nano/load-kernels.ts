import type { Bytes } from '../../lib/bytes.ts'
import { KERNEL_SHIFT, KERNEL_SIZES, KERNEL_TEXT } from './kernel-bytes.ts'

export type KernelBuild = keyof typeof KERNEL_SIZES
export type Kernel = (...args: number[]) => void
export type KernelFunctions = Readonly<Record<string, Kernel>>

/** The WebAssembly of every build. */
export async function loadKernels(): Promise<ReadonlyMap<KernelBuild, Bytes>> {
  // By index: to go through the characters as such takes a third of a session's creation.
  const all = new Uint8Array(KERNEL_TEXT.length)
  for (let i = 0; i < all.length; i++) all[i] = KERNEL_TEXT.charCodeAt(i) - KERNEL_SHIFT
  const builds = new Map<KernelBuild, Bytes>()
  let at = 0
  for (const [name, size] of Object.entries(KERNEL_SIZES) as [KernelBuild, number][]) {
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

import { JikoError } from '../protocol/error.ts'
import type { Backend } from './backend.ts'
import { createOrtBackend, type OrtBuild, type OrtOptions } from './ort.ts'
import { ORT_WEBGPU } from './ort-ids.ts'

/** The parts of WebGPU that are used: TypeScript's own libraries do not have it in a worker. */
interface GpuDevice {
  readonly lost: Promise<{ reason: string; message: string }>
}
export interface Gpu {
  requestAdapter(): Promise<object | null>
}

/** Milliseconds. A driver that hangs says nothing; compiling all of a model's shaders takes seconds on a phone. */
const PATIENCE = 20_000

/**
 * onnxruntime-web on WebGPU. Not a byte of it is asked for before the device has shown an adapter. WebGPU is known to be
 * silently wrong on some models and some devices: whoever uses it compares golden inputs first. Of its builds only the
 * one that waits for the device by JavaScript Promise Integration is carried: the other is a third larger, and for
 * browsers that are older than that.
 */
export function createOrtWebgpuBackend(gpu: Gpu | undefined, options: OrtOptions = {}): Backend {
  const build: OrtBuild = {
    id: ORT_WEBGPU,
    provider: 'webgpu',
    patience: PATIENCE,
    async load() {
      if (!('Suspending' in WebAssembly))
        throw new JikoError('runtime/no-jspi', 'this browser is too old for WebGPU here: it has no promise integration')
      const adapter = await gpu?.requestAdapter()
      if (!adapter) throw new JikoError('runtime/no-adapter', 'this device offers no WebGPU adapter')
      const ort = await import('onnxruntime-web/jspi')
      Object.assign(ort.env.webgpu, { adapter })
      return ort
    },
    async watch({ env }, onLost) {
      const device = (await env.webgpu.device) as unknown as GpuDevice
      const { reason, message } = await device.lost
      onLost(new JikoError('runtime/device-lost', `the WebGPU device was lost (${reason}): ${message}`))
    },
  }
  return createOrtBackend(build, options)
}

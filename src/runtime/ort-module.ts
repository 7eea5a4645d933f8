/** What onnxruntime-web hands to WebAssembly when it is to be given a module: it cannot be empty, and nobody reads it. */
export const STAND_IN: ArrayBuffer = new ArrayBuffer(8)

/**
 * Compiles while it arrives.
 * @throws TypeError when it cannot be fetched, CompileError when it is none.
 */
export async function compileFrom(url: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compileStreaming(fetch(url))
  } catch {
    // Some hosts call it by another type, which streaming refuses.
    return WebAssembly.compile(await (await fetch(url)).arrayBuffer())
  }
}

const memoryAmong = (imports: WebAssembly.Imports | undefined): WebAssembly.Memory | undefined =>
  Object.values(imports ?? {})
    .flatMap((module) => Object.values(module))
    .find((value) => value instanceof WebAssembly.Memory)

/**
 * Whatever is instantiated from bytes while `work` goes on is made from `module`, where there is one, and its memory is
 * noted: onnxruntime-web has no way to be given a module that is compiled already, nor to say how much it holds.
 */
export async function withModule<T>(
  module: WebAssembly.Module | undefined,
  work: () => Promise<T>,
): Promise<{ value: T; memory: WebAssembly.Memory | undefined }> {
  const { instantiate } = WebAssembly
  let memory: WebAssembly.Memory | undefined
  async function fromModule(source: BufferSource | WebAssembly.Module, imports?: WebAssembly.Imports) {
    // Whoever brings a module of its own is not meant.
    if (source instanceof WebAssembly.Module) return instantiate(source, imports)
    memory = memoryAmong(imports)
    return module ? { module, instance: await instantiate(module, imports) } : instantiate(source, imports)
  }
  Object.assign(WebAssembly, { instantiate: fromModule })
  try {
    return { value: await work(), memory }
  } finally {
    Object.assign(WebAssembly, { instantiate })
  }
}

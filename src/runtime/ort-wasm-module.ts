export * from 'onnxruntime-web/wasm'

/** Of the script that this is part of: asked for once more under another name, it is a second onnxruntime-web. */
export const scriptUrl: string = import.meta.url

/** Apart from the backends, which are loaded when they are needed. The version is checked against the installed package by a test. */
export const ORT_WASM = 'ort-wasm 1.30.0'
export const ORT_THREADS = 'ort-threads 1.30.0'
export const ORT_WEBGPU = 'ort-webgpu 1.30.0'

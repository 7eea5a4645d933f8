import type { Feeding, Program } from '../protocol/manifest.ts'
import { feedingOf } from '../protocol/reader.ts'
import type { ReadFile } from './backend.ts'
import { goldenInputs } from './golden.ts'
import { createSessions } from './open-session.ts'
import { createOrtBackend, type OrtModule } from './ort.ts'
import { ORT_WASM } from './ort-ids.ts'

let copies = 0

/** A copy of its own: memory only grows, so one that has run something says nothing of what comes next. Node only. */
const freshOrt = (): Promise<OrtModule> =>
  import(`${import.meta.resolve('onnxruntime-web/wasm')}?copy=${++copies}`) as Promise<OrtModule>

/** Bytes of WebAssembly memory that onnxruntime-web takes to load a program and run it. */
export async function weighOnnx(program: Program, read: ReadFile, feeding: Feeding): Promise<number | undefined> {
  const backend = createOrtBackend({ id: ORT_WASM, provider: 'wasm', load: freshOrt }, {})
  const session = await createSessions(backend, program, read)
  try {
    await session.run(goldenInputs(1, feeding))
    await session.reader?.run(goldenInputs(1, feedingOf(feeding, 'reader')))
    return session.memory?.buffer.byteLength
  } finally {
    await session.dispose()
  }
}

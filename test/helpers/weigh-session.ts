import { openFolder } from '../../src/cli/pack/open-folder.ts'
import { feedingOf } from '../../src/protocol/reader.ts'
import { goldenInputs } from '../../src/runtime/golden.ts'
import { createNanoBackend } from '../../src/runtime/nano/nano.ts'
import { createSessions } from '../../src/runtime/open-session.ts'
import { createOrtWasmBackend } from '../../src/runtime/ort-wasm.ts'

/**
 * A process of its own that loads one program of a pack, runs it, and prints what it took, in bytes:
 * `weigh-session.ts FOLDER KEY VARIANT ENGINE`. WebAssembly memory never shrinks, so every program needs a fresh one.
 */
const [folder = '', key = '', name = '', engine = ''] = process.argv.slice(2)
const { manifest, read } = await openFolder(folder, [key])
const variant = manifest.variants.find((one) => one.name === name)
const program = variant?.programs.find((one) => one.engine === engine)
if (!variant || !program) throw new Error(`there is no ${engine} program of ${name} in ${folder}`)
const feeding = { ...manifest, ...(variant.input && { input: variant.input }) }
const inputs = [1, 2, 3].map((seed) => goldenInputs(seed, feeding))
const before = process.memoryUsage.rss()
const session = await createSessions(engine === 'nano' ? createNanoBackend() : createOrtWasmBackend(), program, read)
for (const given of inputs) await session.run(given)
for (const seed of session.reader ? [1, 2, 3] : [])
  await session.reader?.run(goldenInputs(seed, feedingOf(feeding, 'reader')))
console.log(JSON.stringify({ memory: session.memory?.buffer.byteLength, process: process.memoryUsage.rss() - before }))

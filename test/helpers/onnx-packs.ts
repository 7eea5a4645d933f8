import { createEngines } from '../../src/cli/engines.ts'
import { buildPack } from '../../src/cli/pack/build-pack.ts'
import type { Precision } from '../../src/cli/pack/shrink.ts'
import { readSourceFolder } from '../../src/cli/pack/source.ts'
import { writePack } from '../../src/cli/pack/write-pack.ts'
import { throwAwaySigner } from './synthetic-pack.ts'

/** Packs that nano cannot run: their one program is for onnxruntime-web. */
export async function writeOnnxPacks(folder: string): Promise<string> {
  const { backends, open } = createEngines()
  const engines = { open, backends: backends.filter(({ engine }) => engine === 'onnx') }
  const signer = await throwAwaySigner()
  for (const [name, precision] of [
    ['language-float', 'none'],
    ['language-int8', 'int8'],
  ] satisfies [string, Precision][]) {
    const source = await readSourceFolder('models/language-id')
    await writePack(
      folder,
      await buildPack(
        { ...source, source: { ...source.source, name, version: '1.0.0' } },
        { engines, signer, precision },
      ),
    )
  }
  return signer.key
}

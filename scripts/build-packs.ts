import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { summary } from '../src/cli/commands/pack.ts'
import { createWeighingEngines } from '../src/cli/engines.ts'
import { buildPack } from '../src/cli/pack/build-pack.ts'
import { readSourceFolder } from '../src/cli/pack/source.ts'
import { bytesOf, writePack } from '../src/cli/pack/write-pack.ts'
import { loadReleaseKey } from '../src/cli/release-key.ts'
import { report } from '../src/cli/report.ts'

/** Packs every folder of models/ that has a pack.json. */
async function main(models: string, out: string): Promise<void> {
  const { signer } = await loadReleaseKey()
  const engines = createWeighingEngines()
  for (const name of (await readdir(models)).sort()) {
    const folder = join(models, name)
    const isPack = await access(join(folder, 'pack.json')).then(
      () => true,
      () => false,
    )
    if (!isPack) continue
    const pack = await buildPack(await readSourceFolder(folder), { engines, signer })
    await writePack(out, pack)
    const { manifest, digest, blob, notes } = pack
    for (const note of notes) console.error(`pack ${manifest.name}: ${note}`)
    console.log(`pack ${summary(manifest.name, manifest.version, digest, bytesOf(manifest), blob.length)}`)
  }
}

try {
  await main('models', join('dist', 'packs'))
} catch (error) {
  process.exitCode = report(error)
}

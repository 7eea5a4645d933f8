import { Command } from 'commander'
import { asVariant } from '../../protocol/manifest.ts'
import { checkGolden } from '../../runtime/open-session.ts'
import { createEngines, type Engines } from '../engines.ts'
import { type FolderPack, findPack, openFolder } from '../pack/open-folder.ts'
import { allTrustedKeys } from '../trusted-keys.ts'

export function verifyCommand(): Command {
  return new Command('verify')
    .description('check signature, every byte, and the golden answers of every program of a pack')
    .argument('<packs...>', 'names of built packs, or their folders')
    .action(async (names: string[]) => {
      const trusted = await allTrustedKeys()
      const engines = createEngines()
      for (const name of names) {
        const pack = await openFolder(await findPack(name), trusted)
        for (const { path } of pack.manifest.files) await pack.read(path)
        const programs = await verifyPrograms(pack, engines)
        console.log(
          `${pack.manifest.name} ${pack.manifest.version} ${pack.digest.slice(0, 12)}: whole, signed, right on ${programs.join(' and ')}`,
        )
      }
    })
}

/** Every program, not only the first that works. @throws JikoError `runtime/wrong-answer`, `runtime/...` */
async function verifyPrograms({ manifest, read }: FolderPack, { backends }: Engines): Promise<string[]> {
  const right: string[] = []
  for (const variant of manifest.variants) {
    const { name, programs, golden } = variant
    const feeding = asVariant(manifest, variant)
    for (const program of programs) {
      for (const backend of backends.filter(({ engine }) => engine === program.engine)) {
        const session = await backend.createSession(program, read)
        try {
          for (const one of golden) await checkGolden(session, one, feeding)
        } finally {
          await session.dispose()
        }
        right.push(`${name}/${backend.name}`)
      }
    }
  }
  return right
}

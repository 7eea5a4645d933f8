import { Command } from 'commander'
import { JikoError } from '../../protocol/error.ts'
import { readTextFile } from '../files.ts'
import { loadReleaseKey, releaseKeyPath, rotateReleaseKey } from '../release-key.ts'
import { readTrustedKeys, trustKey } from '../trusted-keys.ts'

export function keyCommand(): Command {
  const key = new Command('key').description('the key that packs are signed with, and keys of others that are trusted')
  key
    .command('new')
    .description('make a release key where there is none; keep a copy of it in a safe place')
    .action(async () => {
      const path = releaseKeyPath()
      if ((await readTextFile(path)) !== undefined) {
        throw new JikoError(
          'cli/key-exists',
          `${path} is there already; move it away first. Packs signed with a new key need phones that trust it.`,
        )
      }
      console.log(`${path}: ${(await loadReleaseKey(path)).key}`)
    })
  key
    .command('rotate')
    .description('make a new release key that the old one vouches for: phones that trust the old one take its packs')
    .action(async () => {
      const { key: next, kept } = await rotateReleaseKey()
      console.log(`${releaseKeyPath()}: ${next}\nthe old one is kept as ${kept}`)
    })
  key
    .command('list')
    .description('own and trusted public keys')
    .action(async () => {
      const path = releaseKeyPath()
      const own = (await readTextFile(path)) === undefined ? undefined : (await loadReleaseKey(path)).key
      console.log(own ? `own      ${own}` : `own      none yet (${path}); \`jiko key new\` makes one`)
      for (const one of await readTrustedKeys()) console.log(`trusted  ${one.key} ${one.note}`.trimEnd())
    })
  key
    .command('trust')
    .description('believe packs signed with this key')
    .argument('<public key>', 'as `jiko key list` or `jiko inspect` of its owner prints it')
    .argument('[note...]', 'whose it is')
    .action((publicKey: string, note: string[]) => trustKey(publicKey, note.join(' ')))
  return key
}

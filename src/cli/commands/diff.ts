import { Command } from 'commander'
import type { Manifest } from '../../protocol/manifest.ts'
import { type FolderPack, findPack, openFolder } from '../pack/open-folder.ts'
import { kilobytes, percent, table } from '../text.ts'
import { allTrustedKeys } from '../trusted-keys.ts'

export function diffCommand(): Command {
  return new Command('diff')
    .description('say how many bytes an update from one version of a pack to another costs')
    .argument('<old>', 'name of a built pack, or its folder')
    .argument('<new>', 'the same, of the newer version')
    .option('--json', 'as one JSON object')
    .action(async (old: string, next: string, { json }: { json?: boolean }) => {
      const trusted = await allTrustedKeys()
      const [before, after] = [
        await openFolder(await findPack(old), trusted),
        await openFolder(await findPack(next), trusted),
      ]
      const cost = updateCost(before.manifest, after.manifest)
      console.log(json ? JSON.stringify(cost) : describe(before, after, cost))
    })
}

export interface FileCost {
  path: string
  /** Bytes of the file's chunks as stored, and of those the ones that the old version does not have. */
  all: number
  fetch: number
}

/** What must be fetched of each file by a device that has all of the old version. */
export function updateCost(before: Manifest, after: Manifest): FileCost[] {
  const here = new Set(before.blob.chunks.map(({ sha256 }) => sha256))
  return after.files.map(({ path, chunks }) => {
    const parts = chunks.flatMap((index) => after.blob.chunks[index] ?? [])
    const sum = (list: typeof parts): number => list.reduce((total, { length }) => total + length, 0)
    return { path, all: sum(parts), fetch: sum(parts.filter(({ sha256 }) => !here.has(sha256))) }
  })
}

function describe(before: FolderPack, after: FolderPack, cost: FileCost[]): string {
  const share = ({ all, fetch }: FileCost): string => (all === 0 ? '' : percent(fetch / all))
  return [
    `${before.manifest.name} ${before.manifest.version} to ${after.manifest.name} ${after.manifest.version}`,
    table([
      ['', 'whole', 'to fetch', ''],
      ...cost.map((one) => [one.path, kilobytes(one.all), kilobytes(one.fetch), share(one)]),
    ]),
  ].join('\n')
}

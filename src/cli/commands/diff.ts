import { Command } from 'commander'
import { type BuiltDelta, buildDelta } from '../pack/delta.ts'
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
      const cost = updateCost(before, after, await buildDelta(before, after))
      console.log(json ? JSON.stringify(cost) : describe(before, after, cost))
    })
}

export interface FileCost {
  path: string
  /** Bytes of the file's chunks as stored, and of those the ones that the old version does not have. */
  all: number
  changed: number
  /** The same where chunks come as differences if that is less. */
  fetch: number
}

/** What must be fetched of each file by a device that has all of the old version. */
export function updateCost(before: FolderPack, after: FolderPack, built: BuiltDelta | undefined): FileCost[] {
  const here = new Set(before.manifest.blob.chunks.map(({ sha256 }) => sha256))
  const differences = new Map(
    built?.delta.pieces.map(({ chunk }, i) => [chunk, built.delta.blob.chunks[i]?.length ?? 0]),
  )
  const { files, blob } = after.manifest
  return files.map(({ path, chunks }) => {
    const lengthOf = (index: number): number => blob.chunks[index]?.length ?? 0
    const sum = (list: readonly number[]): number => list.reduce((total, length) => total + length, 0)
    const changed = chunks.filter((index) => !here.has(blob.chunks[index]?.sha256 ?? ''))
    return {
      path,
      all: sum(chunks.map(lengthOf)),
      changed: sum(changed.map(lengthOf)),
      fetch: sum(changed.map((index) => differences.get(index) ?? lengthOf(index))),
    }
  })
}

function describe(before: FolderPack, after: FolderPack, cost: FileCost[]): string {
  const share = (part: number, all: number): string =>
    `${kilobytes(part)}${all === 0 ? '' : ` (${percent(part / all)})`}`
  return [
    `${before.manifest.name} ${before.manifest.version} to ${after.manifest.name} ${after.manifest.version}`,
    table([
      ['', 'whole', 'changed chunks', 'with differences'],
      ...cost.map(({ path, all, changed, fetch }) => [path, kilobytes(all), share(changed, all), share(fetch, all)]),
    ]),
  ].join('\n')
}

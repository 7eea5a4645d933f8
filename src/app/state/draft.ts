/** What was chosen, said or written and has no record yet: a phone may kill the page before it has one. */
export interface Draft {
  pack: string
  given: Blob
}

export interface DraftStore {
  save(draft: Draft): Promise<void>
  load(): Promise<Draft | undefined>
  clear(): Promise<void>
}

const FOLDER = 'jiko-draft'
const GIVEN = 'given'
const META = 'meta.json'

/**
 * Keeps the draft in the origin's private file system. The description is written last and removed first, so a draft
 * is either whole or not there. Where the phone has no such file system or no room, nothing is kept and nothing fails.
 */
export function createDraftStore(root: () => Promise<FileSystemDirectoryHandle>): DraftStore {
  const folder = async (): Promise<FileSystemDirectoryHandle> =>
    (await root()).getDirectoryHandle(FOLDER, { create: true })

  async function write(name: string, data: Blob | string): Promise<void> {
    const file = await (await folder()).getFileHandle(name, { create: true })
    const stream = await file.createWritable()
    await stream.write(data)
    await stream.close()
  }
  const remove = async (name: string): Promise<void> => (await folder()).removeEntry(name).catch(() => undefined)
  const read = async (name: string): Promise<File> => (await (await folder()).getFileHandle(name)).getFile()
  const quietly = async <T>(work: () => Promise<T>): Promise<T | undefined> => work().catch(() => undefined)

  return {
    save: ({ pack, given }) =>
      quietly(async () => {
        await remove(META)
        await write(GIVEN, given)
        await write(META, JSON.stringify({ pack, type: given.type }))
      }),
    load: () =>
      quietly(async () => {
        const { pack, type } = JSON.parse(await (await read(META)).text()) as { pack: string; type: string }
        const given = await read(GIVEN)
        return { pack, given: given.slice(0, given.size, type) }
      }),
    async clear() {
      await quietly(() => remove(META))
      await quietly(() => remove(GIVEN))
    },
  }
}

/** What must be known to go on with a batch whose page was killed. */
export interface BatchPlan {
  id: string
  pack: string
  /** In the order given; a file's place here is its number. */
  files: readonly { name: string; type: string }[]
}

/** Keeps what is waiting. Nothing here may fail: a phone without room still answers, it only cannot go on after a kill. */
export interface BatchStore {
  /** Says how many there are before the first of them is kept: what could not be kept is then known to be missing. */
  plan(plan: BatchPlan): Promise<void>
  keep(at: number, file: Blob): Promise<void>
  drop(at: number): Promise<void>
  /** The plan and those files that are still here. */
  load(): Promise<{ plan: BatchPlan; files: ReadonlyMap<number, Blob> } | undefined>
  clear(): Promise<void>
}

const FOLDER = 'jiko-batch'
const PLAN = 'plan.json'

/** In the origin's private file system: a hundred photos, one file each. */
export function createBatchStore(root: () => Promise<FileSystemDirectoryHandle>): BatchStore {
  const folder = async (): Promise<FileSystemDirectoryHandle> =>
    (await root()).getDirectoryHandle(FOLDER, { create: true })
  const quietly = async <T>(work: () => Promise<T>): Promise<T | undefined> => work().catch(() => undefined)

  async function write(name: string, data: Blob | string): Promise<void> {
    const stream = await (await (await folder()).getFileHandle(name, { create: true })).createWritable()
    await stream.write(data)
    await stream.close()
  }
  const read = async (name: string): Promise<File> => (await (await folder()).getFileHandle(name)).getFile()

  return {
    plan: async (plan) => void (await quietly(() => write(PLAN, JSON.stringify(plan)))),
    keep: async (at, file) => void (await quietly(() => write(String(at), file))),
    drop: async (at) => void (await quietly(async () => (await folder()).removeEntry(String(at)))),
    load: () =>
      quietly(async () => {
        const plan = JSON.parse(await (await read(PLAN)).text()) as BatchPlan
        const files = new Map<number, Blob>()
        for (const [at, { type }] of plan.files.entries()) {
          const file = await quietly(() => read(String(at)))
          // Made but not closed: empty.
          if (file && file.size > 0) files.set(at, file.slice(0, file.size, type))
        }
        return { plan, files }
      }),
    clear: async () => void (await quietly(async () => (await root()).removeEntry(FOLDER, { recursive: true }))),
  }
}

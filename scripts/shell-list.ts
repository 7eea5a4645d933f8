import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Plugin } from 'vite'

/** What the plugin needs to know of a chunk. */
export interface BundledChunk {
  fileName: string
  name: string
  isEntry: boolean
  imports: readonly string[]
}

/** Beside the folder of the built app, and named after it: other builds have lists of their own. Not for phones. */
const listPath = (appFolder: string): string => `${resolve(appFolder)}.shell.json`

/** What everything begins with. The microphone's script is an entry too, asked for when somebody speaks. */
const FIRST = ['index', 'worker']

/** Scripts that the page and the worker cannot begin without: their entries and all that those import statically. */
export function shellScripts(chunks: readonly BundledChunk[]): string[] {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]))
  const reached = new Set<string>()
  const reach = (name: string): void => {
    if (reached.has(name)) return
    reached.add(name)
    for (const next of byName.get(name)?.imports ?? []) reach(next)
  }
  for (const { fileName, name, isEntry } of chunks) if (isEntry && FIRST.includes(name)) reach(fileName)
  return [...reached].sort()
}

/** Writes down which scripts belong to the shell: names say nothing, only the imports know. */
export function shellList(): Plugin {
  return {
    name: 'jiko-shell-list',
    apply: 'build',
    async writeBundle({ dir = '' }, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
      await writeFile(listPath(dir), JSON.stringify(shellScripts(chunks)))
    },
  }
}

export const readShellScripts = async (appFolder: string): Promise<string[]> =>
  JSON.parse(await readFile(listPath(appFolder), 'utf8')) as string[]

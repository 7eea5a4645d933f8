import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder of this package, whether the code runs from `src/` as it is or built from `dist/`. */
export function packageRoot(from = import.meta.dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (dirname(folder) === folder) throw new Error(`no package.json above ${from}`)
  }
}

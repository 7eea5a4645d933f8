import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SYNC_SCRIPT } from '../src/protocol/service-worker.ts'
import { isLater, isNano, isShell, languageOf } from './build-service-worker.ts'
import { listFiles } from './list-files.ts'
import { readShellScripts } from './shell-list.ts'

/**
 * Bytes of brotli 11. The shell is what a phone fetches before the first screen works offline: `sw.js`, what the page
 * and the worker begin with, one language. What comes later follows it in the background; `sender` is the service worker that sends
 * when no page is open, fetched last and only where the browser wakes any.
 */
export const BUDGETS = { shell: 61_440, later: 110_592, largest: 40_960, sender: 18_432 }

export interface FileSize {
  path: string
  raw: number
  brotli: number
  part: 'shell' | 'later' | 'sender' | 'languages' | 'nano' | 'runtime' | 'others'
}

/** Which budget a file of the built app counts against. `scripts` are those of the shell. */
export function partOf(path: string, scripts: readonly string[]): FileSize['part'] {
  if (path.startsWith('runtime/')) return 'runtime'
  if (isNano(path)) return 'nano'
  if (languageOf(path)) return 'languages'
  if (path === SYNC_SCRIPT) return 'sender'
  if (isLater(path, scripts)) return 'later'
  return path === 'sw.js' || isShell(path, scripts) ? 'shell' : 'others'
}

export async function measure(folder: string): Promise<FileSize[]> {
  const all = await listFiles(folder)
  const scripts = await readShellScripts(folder)
  const sizeOf = async (path: string): Promise<number> => (await stat(join(folder, path))).size
  const files = all.filter((path) => !/\.(br|gz)$/.test(path) && !path.startsWith('packs/'))
  return Promise.all(
    files.map(async (path) => {
      const raw = await sizeOf(path)
      const brotli = all.includes(`${path}.br`) ? await sizeOf(`${path}.br`) : raw
      return { path, raw, brotli, part: partOf(path, scripts) }
    }),
  )
}

const partBytes = (files: readonly FileSize[], part: FileSize['part']): number =>
  files.reduce((sum, file) => sum + (file.part === part ? file.brotli : 0), 0)

/** Of the files that a phone has in one language only, the longest. */
const longestTexts = (files: readonly FileSize[], kind: 'locale' | 'texts'): number =>
  Math.max(0, ...files.flatMap(({ path, brotli }) => (path.startsWith(`assets/${kind}-`) ? [brotli] : [])))

/** The shell with its longest language. */
export const shellBytes = (files: readonly FileSize[]): number =>
  partBytes(files, 'shell') + longestTexts(files, 'locale')

/** What follows it in the background, with the longest of the texts that are no part of the shell. */
export const laterBytes = (files: readonly FileSize[]): number =>
  partBytes(files, 'later') + longestTexts(files, 'texts')

/** What is over budget, in words; empty when nothing is. */
export function overBudget(files: readonly FileSize[]): string[] {
  const shell = files.filter(({ part }) => part === 'shell' || part === 'languages')
  const total = shellBytes(files)
  const later = laterBytes(files)
  const sender = partBytes(files, 'sender')
  return [
    ...(later > BUDGETS.later ? [`what comes later is ${later} bytes of brotli; its budget is ${BUDGETS.later}`] : []),
    ...(sender > BUDGETS.sender ? [`what sends is ${sender} bytes of brotli; its budget is ${BUDGETS.sender}`] : []),
    ...(total > BUDGETS.shell ? [`the shell is ${total} bytes of brotli; its budget is ${BUDGETS.shell}`] : []),
    ...shell
      .filter(({ brotli }) => brotli > BUDGETS.largest)
      .map(({ path, brotli }) => `${path} is ${brotli} bytes of brotli; the budget of one file is ${BUDGETS.largest}`),
  ]
}

export function formatTable(files: readonly FileSize[]): string {
  const width = Math.max(...files.map(({ path }) => path.length), 12)
  const line = (name: string, raw: number | string, brotli: number | string): string =>
    `${name.padEnd(width)} ${String(raw).padStart(10)} ${String(brotli).padStart(10)}`
  const parts = ['shell', 'later', 'sender', 'languages', 'nano', 'runtime', 'others'] as const
  const sections = parts.flatMap((part) => {
    const own = files.filter((file) => file.part === part).sort((a, b) => b.brotli - a.brotli)
    const sum = (key: 'raw' | 'brotli'): number => own.reduce((total, file) => total + file[key], 0)
    if (own.length === 0) return []
    return [
      '',
      ...own.map((file) => line(file.path, file.raw, file.brotli)),
      line(`= ${part}`, sum('raw'), sum('brotli')),
    ]
  })
  return [line('bytes', 'raw', 'brotli'), ...sections].join('\n')
}

if (import.meta.main) {
  const files = await measure('dist/app')
  console.log(formatTable(files))
  console.log(
    `\nShell with its longest language: ${shellBytes(files)} of ${BUDGETS.shell} bytes; one file: at most ${BUDGETS.largest}.`,
  )
  console.log(
    `With nano and what follows in the background: ${shellBytes(files) + partBytes(files, 'nano') + laterBytes(files)} bytes.`,
  )
  const problems = overBudget(files)
  for (const problem of problems) console.error(`Over budget: ${problem}.`)
  if (problems.length > 0) process.exitCode = 1
}

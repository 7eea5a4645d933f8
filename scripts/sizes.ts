import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isShell } from './build-service-worker.ts'
import { listFiles } from './list-files.ts'

/** Bytes of brotli 11. The shell is all that must come before the first screen works offline: `isShell` and `sw.js`. */
export const BUDGETS = { shell: 61_440, largest: 30_720 }

export interface FileSize {
  path: string
  raw: number
  brotli: number
  part: 'shell' | 'kernels' | 'runtime' | 'icons'
}

/** Which budget a file of the built app counts against. Kernels are a runtime: precached, since they are small. */
export function partOf(path: string): FileSize['part'] {
  if (path.startsWith('runtime/')) return 'runtime'
  if (path.endsWith('.wasm')) return 'kernels'
  return path === 'sw.js' || isShell(path) ? 'shell' : 'icons'
}

export async function measure(folder: string): Promise<FileSize[]> {
  const all = await listFiles(folder)
  const sizeOf = async (path: string): Promise<number> => (await stat(join(folder, path))).size
  const files = all.filter((path) => !/\.(br|gz)$/.test(path) && !path.startsWith('packs/'))
  return Promise.all(
    files.map(async (path) => {
      const raw = await sizeOf(path)
      const brotli = all.includes(`${path}.br`) ? await sizeOf(`${path}.br`) : raw
      return { path, raw, brotli, part: partOf(path) }
    }),
  )
}

/** What is over budget, in words; empty when nothing is. */
export function overBudget(files: readonly FileSize[]): string[] {
  const shell = files.filter(({ part }) => part === 'shell')
  const total = shell.reduce((sum, { brotli }) => sum + brotli, 0)
  return [
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
  const parts = ['shell', 'kernels', 'runtime', 'icons'] as const
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
  console.log(`\nBudgets (brotli): shell ${BUDGETS.shell}, one file of it ${BUDGETS.largest}.`)
  const problems = overBudget(files)
  for (const problem of problems) console.error(`Over budget: ${problem}.`)
  if (problems.length > 0) process.exitCode = 1
}

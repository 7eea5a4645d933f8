import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

const source = (path: string): string => fileURLToPath(new URL(`../src/${path}`, import.meta.url))

const WORKER = source('worker/main.ts')

/** What a page begins with, and what it fetches on the way to an answer, all of it and always: one request instead of a dozen. */
export interface Beginning {
  page: string
  ask: readonly string[]
}

/** What every page asks with. */
const ASK = ['client/open-pack.ts', 'client/ask-pack.ts'].map(source)

export const APP: Beginning = {
  page: source('app/main.tsx'),
  ask: [...ASK, ...['app/screens/capture.tsx', 'app/screens/answer.tsx'].map(source)],
}

/** A page of a developer that has nothing but the kit. */
export const kitAlone = (page: string): Beginning => ({ page, ask: ASK })

/** On the side of the worker. */
const ANSWER = ['tasks/table.ts', 'runtime/open-session.ts', 'runtime/feeding.ts', 'worker/receive.ts'].map(source)

/** The bundler's own helpers, which every file may use. */
const BUNDLER = '\0rolldown/runtime.js'

/** Whether a file of the build is those helpers and nothing else. */
export const isBundlers = ({ moduleIds: [first, ...others] }: { moduleIds: readonly string[] }): boolean =>
  first === BUNDLER && others.length === 0

/** What the bundler knows of a module. */
export interface ModuleLinks {
  importedIds: readonly string[]
  dynamicallyImportedIds: readonly string[]
}

type GetModule = (id: string) => ModuleLinks | null

/** All that is reached from some, themselves first. */
export function reach(from: readonly string[], next: (id: string) => readonly string[]): Set<string> {
  const reached = new Set<string>()
  const visit = (id: string): void => {
    if (reached.has(id)) return
    reached.add(id)
    next(id).forEach(visit)
  }
  from.forEach(visit)
  return reached
}

/** A group of modules, as the bundler wants them. */
interface Group {
  name: string
  priority: number
  test(id: string): boolean
}

/**
 * Which file of the build a module goes into. Bundlers make a file of whatever several files share, which is a dozen
 * small ones before the first screen and as many before the first answer, and each costs a slow phone tens of
 * milliseconds on its main thread. Nothing that the worker may ever load is put beside what needs a page.
 */
export function groupChunks(beginning: Beginning): { plugin: Plugin; groups: Group[] } {
  let found: readonly ReadonlySet<string>[] = []
  return {
    plugin: {
      name: 'jiko-group-chunks',
      apply: 'build',
      buildEnd(error) {
        // Tests build the screens around another beginning.
        if (!error && this.getModuleInfo(beginning.page)) found = findGroups((id) => this.getModuleInfo(id), beginning)
      },
      // Vite's own preloading asks the document, which the worker does not have. What the page begins with is known here.
      transformIndexHtml(_, { chunk, bundle = {} }) {
        const attrs = (file: string) => ({ rel: 'modulepreload', crossorigin: true, href: `./${file}` })
        const importsOf = (file: string): readonly string[] => {
          const imported = bundle[file]
          return imported?.type === 'chunk' ? imported.imports : []
        }
        // A page that begins with classic scripts names them itself: see `classic-shell.ts`.
        const files =
          chunk && !chunk.moduleIds.includes(beginning.page) ? [...reach([chunk.fileName], importsOf)].slice(1) : []
        return files.filter((file) => file in bundle).map((file) => ({ tag: 'link', attrs: attrs(file) }))
      },
    },
    // A module is taken along with all that it imports and no earlier group has.
    groups: GROUPS.map((name, i) => ({
      name,
      priority: GROUPS.length - i,
      test: (id) => found[i]?.has(id) === true,
    })),
  }
}

/** What an answer needs beyond the first screen. */
export const ANSWERING_GROUPS = ['ask', 'answer'] as const
const GROUPS = ['both', 'page', 'worker', ...ANSWERING_GROUPS] as const

/**
 * The modules of each group, in the order of `GROUPS`; each holds all that its modules import, save what is in one before it.
 * @throws Error when a file that is named above is not among the modules
 */
export function findGroups(
  getModule: GetModule,
  { page, ask: asking }: Beginning,
  { worker, answer: answering } = { worker: WORKER, answer: ANSWER },
): Set<string>[] {
  for (const id of [page, worker, ...asking, ...answering])
    if (!getModule(id)) throw new Error(`${id} is no part of the app; scripts/group-chunks.ts names it`)
  const linked = (id: string): readonly string[] => getModule(id)?.importedIds ?? []
  const all = (id: string): readonly string[] => [...linked(id), ...(getModule(id)?.dynamicallyImportedIds ?? [])]
  const first = reach([page], linked)
  const ofWorker = reach([worker], linked)
  const everOfWorker = reach([worker], all)
  const ask = reach(asking, linked)
  const answer = reach(answering, linked)
  const alsoOfWorker = (ids: ReadonlySet<string>): string[] => [...ids].filter((id) => everOfWorker.has(id))
  const taken = new Set([page, worker])
  // What both need on the way to an answer is next to nothing: a file of its own would cost more than to have it at once.
  const both = [...alsoOfWorker(first), ...alsoOfWorker(ask), BUNDLER]
  return [both, first, ofWorker, ask, answer].map((ids) => {
    const group = new Set([...ids].filter((id) => !taken.has(id)))
    for (const id of group) taken.add(id)
    return group
  })
}

import { posix } from 'node:path'
import { type Plugin, parseAst } from 'vite'
import { reach } from './group-chunks.ts'

/** What the plugin needs to know of a chunk. */
export interface ShellChunk {
  name: string
  fileName: string
  isEntry: boolean
  moduleIds: readonly string[]
  imports: readonly string[]
}

/** A node of the syntax tree, as far as it is looked at. */
interface Node {
  type: string
  start: number
  end: number
  [key: string]: unknown
}

/**
 * Makes the scripts that the page begins with classic ones. Chromium keeps the compiled code of a script only where it is
 * classic, and then from the moment at which the service worker has cached it; a module it compiles anew at every start,
 * which on a slow phone is a tenth of a second or two. (Measured with Chromium 156: modules that a page loads through a
 * service worker are streamed, their kept code is never used.)
 *
 * Each becomes a function that is called once and leaves what it exports in a global; whoever imported it reads it there.
 * A worker begins with an import of the same file, which is a module of that one name as well.
 */
export function classicShell(page: string): Plugin {
  return {
    name: 'jiko-classic-shell',
    apply: 'build',
    renderChunk(code, chunk, _, { chunks }) {
      const all = Object.values(chunks)
      const shell = shellOf(all, page)
      if (shell.size === 0) return null
      const { fileName } = chunk
      return { code: toClassic(code, { fileName, shell, begins: beginnings(all, page).has(fileName) }), map: null }
    },
    // As every module is; said now, for the minifier takes it for granted, and away.
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
      const shell = shellOf(chunks, page)
      for (const chunk of chunks) if (shell.has(chunk.fileName)) chunk.code = `"use strict";${chunk.code}`
    },
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle = {} }) {
        const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
        const files = [...shellOf(chunks, page).keys()].reverse()
        const scripts = files.map((file) => `<script defer src="./${file}"></script>`).join('\n    ')
        return files.length === 0 ? html : html.replace(/<script type="module"[^>]*><\/script>/, scripts)
      },
    },
  }
}

const importsOf =
  (chunks: readonly ShellChunk[]) =>
  (file: string): readonly string[] =>
    chunks.find(({ fileName }) => fileName === file)?.imports ?? []

/** The files that a page begins with, those that import others first, and the global of each; none in other builds. */
export function shellOf(chunks: readonly ShellChunk[], page: string): Map<string, string> {
  const first = chunks.find(({ moduleIds }) => moduleIds.includes(page))
  const files = first ? [...reach([first.fileName], importsOf(chunks))] : []
  const name = (file: string): string => chunks.find(({ fileName }) => fileName === file)?.name ?? ''
  return new Map(files.map((file) => [file, `jiko_${name(file)}`]))
}

/** What workers begin with: nothing of the page's shell is there before they import it. */
const beginnings = (chunks: readonly ShellChunk[], page: string): Set<string> =>
  reach(
    chunks.filter(({ isEntry, moduleIds }) => isEntry && !moduleIds.includes(page)).map(({ fileName }) => fileName),
    importsOf(chunks),
  )

interface ClassicOptions {
  fileName: string
  /** Global by file. */
  shell: ReadonlyMap<string, string>
  /** It is, or is imported by, what a worker begins with. */
  begins: boolean
}

/**
 * @throws Error when a file of the shell exports what is assigned to later: who read it before would not see that
 */
export function toClassic(code: string, { fileName, shell, begins }: ClassicOptions): string {
  const own = shell.get(fileName)
  const { body } = parseAst(code) as unknown as { body: Node[] }
  const changes: { start: number; end: number; text: string }[] = []
  const exported = new Map<string, string>()
  for (const node of body) {
    if (node.type === 'ImportDeclaration') {
      const source = (node.source as { value: string }).value
      const global = shell.get(resolved(fileName, source))
      if (!global) {
        if (own) throw new Error(`${fileName} belongs to the shell and imports ${source}, which does not`)
        continue
      }
      const read = `const { ${namesOf(node).join(', ')} } = globalThis.${global};`
      changes.push({ ...node, text: begins && !own ? `import "${source}"; ${read}` : read })
    } else if (node.type === 'ExportNamedDeclaration' && own) {
      for (const { local, exported: as } of node.specifiers as { local: Node; exported: Node }[])
        exported.set(String(as.name), String(local.name))
      changes.push({ ...node, text: '' })
    }
  }
  if (!own) return apply(code, changes)
  for (const node of nodesOf(body)) if (node.type === 'MetaProperty') changes.push({ ...node, text: 'importMeta' })
  const assigned = assignedIn(body)
  const moving = [...exported.values()].filter((name) => assigned.has(name))
  if (moving.length > 0) throw new Error(`${fileName} exports what is assigned to later: ${moving.join(', ')}`)
  const given = [...exported].map(([as, local]) => `${JSON.stringify(as)}: ${local}`).join(', ')
  return [
    `globalThis.${own} ??= (() => {`,
    'const importMeta = { url: globalThis.document?.currentScript?.src };',
    apply(code, changes),
    `return { ${given} };`,
    '})();',
  ].join('\n')
}

const resolved = (from: string, source: string): string => posix.join(posix.dirname(from), source)

const namesOf = ({ specifiers }: Node): string[] =>
  (specifiers as { imported: Node; local: Node }[]).map(({ imported, local }) => `${imported.name}: ${local.name}`)

/** A node and all within it; not what is within those for which `into` says no. */
function* nodesOf(value: unknown, into: (node: Node) => boolean = () => true): Generator<Node> {
  if (Array.isArray(value)) for (const one of value) yield* nodesOf(one, into)
  else if (value !== null && typeof value === 'object') {
    const isNode = typeof (value as Node).type === 'string'
    if (isNode) yield value as Node
    if (!isNode || into(value as Node)) for (const one of Object.values(value)) yield* nodesOf(one, into)
  }
}

const isFunction = ({ type }: Node): boolean =>
  /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(type)

/** Names of variables outside any function, or of none, that are assigned to anywhere: a function's own of the same name are others. */
function assignedIn(code: unknown, hidden: ReadonlySet<string> = new Set()): Set<string> {
  const found = new Set<string>()
  for (const node of nodesOf(code, (inner) => !isFunction(inner))) {
    if (isFunction(node)) {
      const { params, body } = node
      for (const name of assignedIn([params, body], new Set([...hidden, ...declaredIn([params, body])])))
        found.add(name)
    }
    const target =
      node.type === 'AssignmentExpression' ? node.left : node.type === 'UpdateExpression' ? node.argument : []
    for (const { type, name } of nodesOf(target, (inner) => inner.type !== 'MemberExpression'))
      if (type === 'Identifier' && !hidden.has(String(name))) found.add(String(name))
  }
  return found
}

/** Names that a function declares: its parameters, and whatever is declared anywhere in it. */
function declaredIn([params, body]: [unknown, unknown]): string[] {
  const names: string[] = []
  const add = (pattern: unknown): void => {
    for (const { type, name } of nodesOf(pattern)) if (type === 'Identifier') names.push(String(name))
  }
  add(params)
  for (const node of nodesOf(body, (inner) => !isFunction(inner))) {
    if (node.type === 'VariableDeclarator' || node.type === 'ClassDeclaration' || isFunction(node)) add(node.id)
    if (node.type === 'CatchClause') add(node.param)
  }
  return names
}

const apply = (code: string, changes: readonly { start: number; end: number; text: string }[]): string =>
  [...changes]
    .sort((a, b) => b.start - a.start)
    .reduce((text, change) => text.slice(0, change.start) + change.text + text.slice(change.end), code)

import { posix } from 'node:path'
import { type Plugin, parseAst } from 'vite'
import { isBundlers } from './group-chunks.ts'

/** What the bundler's helper of this name does, in fewer words: an object whose members are read when they are asked for. */
const EXPORT_ALL = `(getters) => {
  const namespace = {};
  for (const name in getters) Object.defineProperty(namespace, name, { get: getters[name], enumerable: true });
  return namespace;
}`

/**
 * Where a file holds several modules that are imported by `import()`, the bundler makes their namespaces with a helper out
 * of a file of its own: one more request before the first answer, for half a kilobyte. Here each such file has its own.
 */
export function ownNamespaces(): Plugin {
  return {
    name: 'jiko-own-namespaces',
    apply: 'build',
    renderChunk(code, { fileName, imports }, _, { chunks }) {
      const helpers = Object.values(chunks).find(isBundlers)
      if (!helpers || helpers.fileName === fileName || !imports.includes(helpers.fileName)) return null
      return { code: withOwnNamespaces(code, fileName, helpers.fileName), map: null }
    },
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
      const helpers = chunks.find(isBundlers)
      const isNeeded = chunks.some(({ code }) => helpers && code.includes(posix.basename(helpers.fileName)))
      if (helpers && !isNeeded) delete bundle[helpers.fileName]
    },
  }
}

/** The same code with namespaces of its own; as it is where it needs other helpers of the bundler too. */
export function withOwnNamespaces(code: string, fileName: string, helpers: string): string {
  const imported = parseAst(code).body.find(
    (node) => node.type === 'ImportDeclaration' && posix.join(posix.dirname(fileName), node.source.value) === helpers,
  )
  if (imported?.type !== 'ImportDeclaration') return code
  const names = imported.specifiers.map(({ local }) => local.name)
  if (!names.every((name) => /^__exportAll(\$\d+)?$/.test(name))) return code
  const made = names.map((name) => `const ${name} = ${EXPORT_ALL};`).join('\n')
  return code.slice(0, imported.start) + made + code.slice(imported.end)
}

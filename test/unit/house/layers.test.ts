import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseSync } from 'rolldown/experimental'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../../..')

/** Layer of each room; imports go to a lower one only. Rooms of one layer do not import each other. */
const LAYERS: Readonly<Record<string, number>> = {
  'src/lib': 0,
  'src/protocol': 1,
  'src/packs': 2,
  'src/runtime': 2,
  'src/tasks': 2,
  'src/store': 2,
  'src/onnx': 2,
  'src/worker': 3,
  'src/sync': 3,
  'src/client': 4,
  'src/hub': 4,
  'src/app': 5,
  'src/cli': 5,
  sw: 5,
}

/** Who alone may import a dependency. */
const OWNERS: ReadonlyArray<[RegExp, readonly string[]]> = [
  [/^valibot$/, ['src/protocol']],
  [/^onnxruntime-web/, ['src/runtime']],
  [/^fflate$/, ['src/lib']],
  [/^@huggingface\/tokenizers$/, ['src/tasks']],
  [/^idb$/, ['src/store']],
  [/^comlink$/, ['src/worker', 'src/client']],
  [/^workbox-window$/, ['src/client']],
  [/^workbox-/, ['sw', 'src/client']],
  [/^@bufbuild\/protobuf/, ['src/onnx']],
  [/^(preact|@preact\/|@lingui\/)/, ['src/app']],
  [/^(hono|@hono\/|kysely|pg|jose|aws4fetch)(\/|$)/, ['src/hub']],
  [/^node:sqlite$/, ['src/hub']],
  [/^(commander|cli-progress|read-excel-file|uqr|@jsquash\/)/, ['src/cli']],
]

interface Import {
  from: string
  to: string
}

const room = (path: string): string | undefined =>
  Object.keys(LAYERS).find((name) => path === name || path.startsWith(`${name}/`))

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.parentPath.includes('nano/kernels'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

function importsOf(file: string): Import[] {
  const { module } = parseSync(file, readFileSync(join(root, file), 'utf8'))
  const text = readFileSync(join(root, file), 'utf8')
  const targets = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    // import('x') and new URL('x', import.meta.url), which is how a worker is named
    ...[
      ...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g),
      ...text.matchAll(/new URL\(\s*['"](\.[^'"]+)['"],\s*import\.meta\.url/g),
    ].map(([, target]) => target as string),
  ]
  return targets.map((target) => ({
    from: file,
    to: target.startsWith('.') ? relative(root, join(root, dirname(file), target)) : target,
  }))
}

const files = ['src', 'sw'].flatMap(sourceFiles)
const imports = files.flatMap(importsOf)

/** Whether an edge breaks the rule; said in words, so that the failure tells what to do. */
function offence({ from, to }: Import): string | undefined {
  const source = room(from)
  if (!source) return `${from} is in no room of the house`
  const target = room(to)
  if (target === undefined) {
    const owner = OWNERS.find(([pattern]) => pattern.test(to))
    if (owner && !owner[1].includes(source)) return `${from} imports ${to}, which belongs to ${owner[1].join(' and ')}`
    return undefined
  }
  if (source === target) return undefined
  // A worker is started by its file's name: an edge to the layer below that carries no code.
  if ((LAYERS[source] as number) > (LAYERS[target] as number)) return undefined
  return `${from} (layer ${LAYERS[source]}) imports ${to} (layer ${LAYERS[target]}): imports go down only`
}

function cycles(edges: readonly Import[]): string[] {
  const next = Map.groupBy(
    edges.filter(({ to }) => files.includes(to)),
    ({ from }) => from,
  )
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) {
      found.push([...path.slice(at), file].join(' -> '))
      return
    }
    if (done.has(file)) return
    for (const { to } of next.get(file) ?? []) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return found
}

describe('the house', () => {
  it('has imports that go down only, and dependencies with one owner', () => {
    expect(imports.length).toBeGreaterThan(100)
    expect(imports.map(offence).filter((said) => said !== undefined)).toEqual([])
  })

  it('has no import cycle', () => {
    expect(cycles(imports)).toEqual([])
  })

  it('would notice: an upward edge, a sideways edge, a borrowed dependency, a cycle', () => {
    expect(offence({ from: 'src/lib/a.ts', to: 'src/protocol/b.ts' })).toContain('imports go down only')
    expect(offence({ from: 'src/packs/a.ts', to: 'src/store/b.ts' })).toContain('imports go down only')
    expect(offence({ from: 'src/app/a.ts', to: 'idb' })).toContain('belongs to src/store')
    expect(offence({ from: 'src/elsewhere/a.ts', to: 'idb' })).toContain('in no room')
    const [a = '', b = ''] = files
    expect(
      cycles([
        { from: a, to: b },
        { from: b, to: a },
      ]),
    ).toHaveLength(1)
  })
})

import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { deflateRawSync } from 'node:zlib'
import asc from 'assemblyscript/asc'

const SOURCE = fileURLToPath(new URL('../src/runtime/nano/kernels/', import.meta.url))
const TARGET = fileURLToPath(new URL('../src/runtime/nano/kernel-bytes.ts', import.meta.url))

/** Each build: its entry, what stands in for `variant.ts`, and what it may use. */
const BUILDS = {
  common: { entry: 'common.ts', variant: '', features: ['simd'] },
  dot: { entry: 'products.ts', variant: 'dot.ts', features: ['simd'] },
  mlal: { entry: 'products.ts', variant: 'mlal.ts', features: ['simd'] },
  relaxed: { entry: 'products.ts', variant: 'relaxed.ts', features: ['simd', 'relaxed-simd'] },
  scalar: { entry: 'scalar.ts', variant: '', features: [] },
} as const
export type Build = keyof typeof BUILDS

async function compile(name: Build): Promise<Uint8Array> {
  const { entry, variant, features } = BUILDS[name]
  let binary = new Uint8Array()
  const flags = '-O3 --converge --noAssert --runtime stub --importMemory --initialMemory 1 --outFile out.wasm'.split(
    ' ',
  )
  const { error, stderr } = await asc.main([entry, ...flags, ...features.flatMap((feature) => ['--enable', feature])], {
    readFile: (file: string) => readFile(SOURCE + (file === 'variant.ts' ? variant : file), 'utf8').catch(() => null),
    writeFile(file: string, contents: Uint8Array | string) {
      if (file === 'out.wasm' && typeof contents !== 'string') binary = new Uint8Array(contents)
    },
    listFiles: () => [],
  })
  if (error) throw new Error(`the kernels do not compile (${name}): ${stderr}`, { cause: error })
  return binary
}

/** All builds, from source; the same bytes every time. */
export async function buildKernels(): Promise<Map<Build, Uint8Array>> {
  const built = new Map<Build, Uint8Array>()
  for (const name of Object.keys(BUILDS) as Build[]) built.set(name, await compile(name))
  return built
}

/** The module that carries them: compressed together, since they have much in common. */
function formatModule(built: ReadonlyMap<Build, Uint8Array>): string {
  const sizes = [...built].map(([name, bytes]) => `  ${name}: ${bytes.length},\n`).join('')
  const packed = deflateRawSync(Buffer.concat([...built.values()]), { level: 9 }).toString('base64')
  return `// Made by scripts/build-kernels.ts from kernels/. Never edited: a test compiles the source and compares.

/** Bytes of each build, in the order in which they follow each other. */
export const KERNEL_SIZES = {
${sizes}} as const

/** All builds as base64 of raw deflate. Inside the script, so that the first answer needs no request for them. */
export const KERNEL_BYTES =
  '${packed}'
`
}

if (import.meta.main) {
  const built = await buildKernels()
  await writeFile(TARGET, formatModule(built))
  for (const [name, bytes] of built) console.log(`${name}: ${bytes.length} bytes`)
}

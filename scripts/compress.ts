import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { listFiles } from './list-files.ts'

const CACHE = 'node_modules/.cache/jiko-compress'
/** Packs are compressed already; pictures too. */
const COMPRESSIBLE = /\.(html|css|js|mjs|json|webmanifest|svg|txt|md|wasm|ndjson)$/

const ENCODERS = {
  br: (data: Buffer) =>
    promisify(brotliCompress)(data, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 11,
        [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
        [constants.BROTLI_PARAM_LGWIN]: 24,
      },
    }),
  gz: (data: Buffer) => promisify(gzip)(data, { level: 9 }),
}

/** Writes `.br` and `.gz` beside every file that gains by it, so that a small hub never compresses while it serves. */
export async function compressFolder(folder: string): Promise<void> {
  await mkdir(CACHE, { recursive: true })
  const files = (await listFiles(folder)).filter((file) => COMPRESSIBLE.test(file))
  await Promise.all(
    files.flatMap(async (file) => {
      const data = await readFile(join(folder, file))
      const name = createHash('sha256').update(data).digest('hex')
      await Promise.all(
        Object.entries(ENCODERS).map(async ([ending, encode]) => {
          const cached = join(CACHE, `${name}.${ending}`)
          const target = join(folder, `${file}.${ending}`)
          // Brotli 11 takes half a minute for the 14 MB runtime, which does not change from build to build.
          await copyFile(cached, target).catch(async () => {
            const temporary = `${cached}.${process.pid}`
            await writeFile(temporary, await encode(data))
            await rename(temporary, cached)
            await copyFile(cached, target)
          })
        }),
      )
    }),
  )
}

import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createImageDecoder } from '../../src/cli/decode-image.ts'
import { table } from '../../src/cli/text.ts'
import { NEAR, REMEMBERED } from '../../src/client/alike.ts'
import type { Pixels } from '../../src/protocol/task.ts'
import { likenessDistance, likenessOf } from '../../src/tasks/likeness.ts'

const FOLDERS = ['val', 'test'].map((split) => `../shared/materials/datasets/coffee-leaf-lara2018/${split}`)

/** A part of a picture, each pixel the mean of `step` x `step`, made brighter. */
function saved(
  { width, height, data }: Pixels,
  { crop = 0, step = 1, brighter = 1 }: { crop?: number; step?: number; brighter?: number },
): Pixels {
  const [left, top] = [Math.round(width * crop), Math.round(height * crop)]
  const across = Math.floor((width - 2 * left) / step)
  const down = Math.floor((height - 2 * top) / step)
  const made = new Uint8ClampedArray(across * down * 4)
  for (let i = 0; i < made.length; i++) {
    const [channel, x, y] = [i % 4, Math.floor(i / 4) % across, Math.floor(i / 4 / across)]
    let sum = 0
    for (let v = 0; v < step; v++)
      for (let u = 0; u < step; u++)
        sum += data[((top + y * step + v) * width + left + x * step + u) * 4 + channel] as number
    made[i] = (sum / step ** 2) * brighter
  }
  return { width: across, height: down, data: made }
}

const WAYS = {
  'half the size': { step: 2 },
  'a fifth brighter': { brighter: 1.2 },
  'cropped by 3 % on each side': { crop: 0.03 },
}

/** `npm run bench -- alike [FOLDER ...]`: how many photos of the same kind of thing are taken for one, and how many are known again. */
export async function bench(args: readonly string[]): Promise<void> {
  const folders = args.length > 0 ? args : FOLDERS
  const missing = folders.find((folder) => !existsSync(folder))
  if (missing !== undefined) throw new Error(`there is no ${missing}; name folders of JPEG photos`)
  const decode = createImageDecoder()
  const seen: string[] = []
  const again = new Map(Object.keys(WAYS).map((name) => [name, 0]))
  let alarms = 0
  for (const folder of folders) {
    const files = (await readdir(folder, { recursive: true })).filter((name) => /\.jpe?g$/i.test(name)).sort()
    for (const file of files) {
      const pixels = await decode(new Uint8Array(await readFile(join(folder, file))))
      const likeness = likenessOf(pixels)
      const isNear = (other: string): boolean => likenessDistance(likeness, other) <= NEAR
      alarms += Number(seen.slice(-REMEMBERED).some(isNear))
      for (const [name, how] of Object.entries(WAYS))
        again.set(name, (again.get(name) ?? 0) + Number(isNear(likenessOf(saved(pixels, how)))))
      seen.push(likeness)
    }
  }
  const share = (count: number): string => `${((100 * count) / seen.length).toFixed(1)} %`
  console.log(
    table([
      [`of ${seen.length} photos`, 'share'],
      [`taken for one of the ${REMEMBERED} before it`, share(alarms)],
      ...[...again].map(([name, count]) => [`known again: ${name}`, share(count)]),
    ]),
  )
}

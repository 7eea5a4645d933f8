import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { createEngines } from '../../../src/cli/engines.ts'
import { buildPack } from '../../../src/cli/pack/build-pack.ts'
import { clipBytes, describeClips, readClips } from '../../../src/cli/pack/clips.ts'
import { openFolder } from '../../../src/cli/pack/open-folder.ts'
import { readSourceFolder } from '../../../src/cli/pack/source.ts'
import { writePack } from '../../../src/cli/pack/write-pack.ts'
import { utf8 } from '../../../src/lib/bytes.ts'
import { clipPaths, MAX_CLIP_BYTES } from '../../../src/protocol/clips.ts'
import { parsePackIndex } from '../../../src/protocol/pack-index.ts'
import { throwAwaySigner } from '../../helpers/synthetic-pack.ts'
import { temporaryFolder } from '../../helpers/temporary-folder.ts'
import { tone } from '../../helpers/tone.ts'
import { LABELS, makeSource } from './source.ts'

const labels = LABELS.map((id) => ({
  id,
  name: { en: id, sw: id, ar: id },
  ...(id !== 'four' && { clips: { sw: `clips/${id}.sw.wav`, ar: `clips/${id}.ar.wav` } }),
}))
const clips = { unsure: { sw: 'clips/unsure.sw.wav' } }
const title = { en: 'Small', sw: 'Ndogo' }

let folder = ''
const clip = (name: string): string => join(folder, 'clips', name)
const write = (): void => {
  for (const [i, id] of LABELS.slice(0, 3).entries()) {
    writeFileSync(clip(`${id}.sw.wav`), tone(0.2, 300 + 50 * i))
    writeFileSync(clip(`${id}.ar.wav`), tone(0.3, 500 + 50 * i))
  }
  writeFileSync(clip('unsure.sw.wav'), tone(0.2, 800))
}

beforeAll(() => {
  folder = makeSource({ labels, clips, title })
  mkdirSync(join(folder, 'clips'))
  write()
})

describe('a pack with recordings', () => {
  it('holds them language by language, and says what each costs', async () => {
    const signer = await throwAwaySigner()
    const pack = await buildPack(await readSourceFolder(folder), {
      engines: createEngines(),
      signer,
      precision: 'fp16',
    })
    const { manifest } = pack
    expect(manifest.labels[0]?.clips).toEqual({ sw: 'clips/one.sw.wav', ar: 'clips/one.ar.wav' })
    expect(manifest.clips).toEqual(clips)
    const order = manifest.files.map(({ path }) => path).filter((path) => path.startsWith('clips/'))
    expect(order).toEqual([...clipPaths(manifest, 'ar'), ...clipPaths(manifest, 'sw')])
    expect(describeClips(manifest)).toEqual([
      expect.stringMatching(/^recorded in ar: \d+ KB, 3 of 4 labels, not four$/),
      expect.stringMatching(/^recorded in sw: \d+ KB, 3 of 4 labels, not four, "unsure"$/),
    ])
    expect(pack.notes).toEqual(expect.arrayContaining(describeClips(manifest)))
    const out = temporaryFolder()
    await writePack(out, pack)
    const [entry] = parsePackIndex(readFileSync(join(out, 'index.json'), 'utf8')).packs
    expect(entry?.clips).toEqual({ ar: clipBytes(manifest, 'ar'), sw: clipBytes(manifest, 'sw') })
    const { read } = await openFolder(join(out, 'small'), [signer.key])
    expect(Buffer.from(await read('clips/two.ar.wav'))).toEqual(readFileSync(clip('two.ar.wav')))
  })

  const bad: [string, (path: string) => void, RegExp][] = [
    ['is missing', () => undefined, /one\.sw\.wav is missing/],
    ['is empty', (path) => writeFileSync(path, ''), /one\.sw\.wav is an empty file/],
    [
      'is a picture, whatever it is called',
      (path) => writeFileSync(path, readFileSync('src/app/public/icon-192.png')),
      /one\.sw\.wav is a PNG picture: a recording must be Opus/,
    ],
    ['is no sound at all', (path) => writeFileSync(path, utf8('key=secret')), /begins with 6b 65 79 3d/],
    [
      'leads out of the folder to what is no sound',
      (path) => symlinkSync('/etc/hostname', path),
      /one\.sw\.wav is a file/,
    ],
    ['is far too long', (path) => writeFileSync(path, tone(MAX_CLIP_BYTES / 16_000 + 1)), /more than the 262 KB/],
  ]
  it.each(bad)('is not built where one %s', async (_, put, message) => {
    rmSync(clip('one.sw.wav'))
    put(clip('one.sw.wav'))
    const { source } = await readSourceFolder(folder)
    await expect(readClips(folder, source)).rejects.toMatchObject({
      code: 'pack/bad-clip',
      message: expect.stringMatching(message),
    })
    rmSync(clip('one.sw.wav'), { force: true })
    write()
  })
})

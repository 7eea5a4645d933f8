import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { brotliLength, comparison } from '../../../src/cli/pack/brotli.ts'
import { externalIn } from '../../../src/cli/pack/source.ts'
import { writeExternal, writeModel } from '../../../src/onnx/write.ts'
import { temporaryFolder } from '../../helpers/temporary-folder.ts'
import { makeSmallNet } from '../onnx/make.ts'
import { makeSource } from './source.ts'

const whole = writeModel(makeSmallNet())
const expected = brotliCompressSync(whole, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length

describe('the comparison with Brotli', () => {
  it('counts the plain file', async () => {
    expect(await brotliLength({ model: whole, external: () => undefined })).toBe(expected)
  })

  it('counts weights in other files too', async () => {
    const { model, weights } = writeExternal(makeSmallNet(), 'model.weights')
    expect(weights.length).toBeGreaterThan(0)
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'model.weights'), weights)
    const length = await brotliLength({ model, external: externalIn(folder) })
    expect(length).toBeGreaterThan(brotliCompressSync(weights).length / 2)
    expect(Math.abs(length - expected)).toBeLessThan(expected / 10)
    await expect(brotliLength({ model, external: externalIn(temporaryFolder()) })).rejects.toMatchObject({
      code: expect.stringMatching(/^model\//),
    })
  })

  it('is printed by the command that is asked for it', () => {
    const home = temporaryFolder()
    const main = join(import.meta.dirname, '../../../src/cli/main.ts')
    const args = [main, 'pack', makeSource(), '--out', join(home, 'packs'), '--quantize', 'fp16', '--compare']
    const env = { ...process.env, JIKO_RELEASE_KEY: join(home, 'key.json') }
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env })
    expect(stdout, stderr).toMatch(/\nthe plain ONNX file is \d+ KB in Brotli 11; a phone fetches \d+\.\d % of that\n$/)
    expect(comparison(500, 2000)).toContain('25.0 %')
  })
})

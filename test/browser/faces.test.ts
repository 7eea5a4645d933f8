import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createImageDecoder } from '../../src/cli/decode-image.ts'
import { createEngines } from '../../src/cli/engines.ts'
import { writePack } from '../../src/cli/pack/write-pack.ts'
import { concat, utf8 } from '../../src/lib/bytes.ts'
import { sha256Hex } from '../../src/lib/sha256.ts'
import type { Pixels } from '../../src/protocol/task.ts'
import { carriesMetadata } from '../../src/tasks/photo-metadata.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { asPng, brightPack, STRIPED, STRIPES_FINDER, stripedPicture } from '../helpers/face-packs.ts'
import type { Asked, KitPage } from '../helpers/kit-page/main.ts'
import { leaveNetwork, openKitPage, serveKitPage } from '../helpers/kit-page.ts'
import { buildReal, materialBytes, realPacks } from '../helpers/real-packs.ts'
import { hasMaterials } from '../helpers/sample-inputs.ts'
import type { FolderServer } from '../helpers/serve-folder.ts'
import { throwAwaySigner } from '../helpers/synthetic-pack.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

declare const page: KitPage

if (!hasMaterials) console.warn('Real faces in Chromium: skipped, there is no shared/materials beside the project.')

const decode = createImageDecoder()
const REAL = ['faces-yunet', 'faces-ultraface']

describe('photos with faces, offline', () => {
  let server: FolderServer
  let opened: { context: BrowserContext; profile: string }
  let tab: Page
  let striped: { base64: string; type: string }

  beforeAll(async () => {
    const packs = temporaryFolder()
    const [signer, engines] = [await throwAwaySigner(), createEngines()]
    const put = (built: Parameters<typeof writePack>[1]) => writePack(packs, built)
    await put(await buildReal(STRIPES_FINDER, engines, signer))
    await put(await brightPack('bright', undefined, engines, signer))
    await put(await brightPack('bright-hidden', { blurFaces: 'stripes-finder' }, engines, signer))
    await put(await brightPack('bright-lonely', { blurFaces: 'nobody-has-it' }, engines, signer))
    await put(await brightPack('bright-blind', { blurFaces: 'bright' }, engines, signer))
    const names = ['bright', 'bright-hidden', 'bright-blind']
    for (const pack of hasMaterials ? realPacks().filter(({ name }) => REAL.includes(name)) : []) {
      await put(await buildReal(pack, engines, signer))
      await put(await brightPack(`bright-${pack.name}`, { blurFaces: pack.name }, engines, signer))
      names.push(`bright-${pack.name}`)
    }
    // With more in it than the picture, as a camera's has: none of it may be kept, with faces hidden or not.
    const png = concat(await asPng(stripedPicture()), utf8('xmp '))
    striped = { base64: Buffer.from(png).toString('base64'), type: 'image/png' }
    server = await serveKitPage(packs, [signer.key])
    opened = await openProfile()
    tab = await opened.context.newPage()
    await openKitPage(tab, server)
    for (const name of names) expect(await tab.evaluate((pack) => page.install(pack), name)).toBe('ready')
    // The pack itself is here; that its finder is nowhere is said.
    expect(await tab.evaluate(() => page.installFrom(['/packs/bright-lonely/']))).toMatchObject({
      state: 'ready',
      finder: { name: 'nobody-has-it', ready: false, reason: 'download/not-found' },
    })
    await leaveNetwork(tab, server)
  })
  afterAll(async () => {
    await opened?.context.close()
    if (opened) await deleteProfile(opened.profile)
    await server?.close().catch(() => undefined)
  })

  async function ask(name: string, given: { base64: string; type: string }): Promise<Asked> {
    const asked = await tab.evaluate(([pack, what]) => page.ask(pack, what), [name, given] as const)
    if ('code' in asked) throw new Error(asked.code)
    return asked
  }
  /** What a record keeps of its photo, by role. */
  async function pictures({ attachments }: Asked['body']): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
    const found: Record<string, Uint8Array<ArrayBuffer>> = {}
    for (const { role, sha256 } of attachments) {
      const base64 = await tab.evaluate((hash) => page.attachment(hash), sha256)
      found[role] = new Uint8Array(Buffer.from(base64 ?? '', 'base64'))
    }
    return found
  }
  const asGiven = (bytes: Uint8Array) => ({ base64: Buffer.from(bytes).toString('base64'), type: 'image/jpeg' })
  const greyAt = ({ width, data }: Pixels, x: number, y: number): number => data[(y * width + x) * 4] as number
  /** How different the greys are along the middle of where the stripes were. */
  function contrast(of: Pixels): number {
    const scale = of.width / 320
    const greys = Array.from({ length: STRIPED.width }, (_, i) =>
      greyAt(of, Math.floor((STRIPED.x + i) * scale), Math.floor((STRIPED.y + 30) * scale)),
    )
    return Math.max(...greys) - Math.min(...greys)
  }

  it('are kept without them, preview too; what was answered is what the photo itself says', async () => {
    const plain = await ask('bright', striped)
    expect(plain.body.faces).toBeUndefined()
    expect(contrast(await decode((await pictures(plain.body)).input ?? new Uint8Array()))).toBeGreaterThan(150)

    const hidden = await ask('bright-hidden', striped)
    expect(hidden.answer).toEqual(plain.answer)
    expect(hidden.body.faces).toMatchObject({ hidden: 1, by: { name: 'stripes-finder', version: '1.0.0' } })
    const kept = await pictures(hidden.body)
    expect(Object.keys(kept)).toEqual(['input', 'preview'])
    expect(carriesMetadata(kept.input ?? new Uint8Array())).toBe(false)
    const whole = await decode(kept.input ?? new Uint8Array())
    expect([whole.width, whole.height]).toEqual([320, 240])
    expect(contrast(whole)).toBeLessThan(60)
    expect(contrast(await decode(kept.preview ?? new Uint8Array()))).toBeLessThan(60)
    // Far from it the picture is what it was, save what JPEG changes.
    expect(Math.abs(greyAt(whole, 10, 200) - greyAt(stripedPicture(), 10, 200))).toBeLessThan(6)
    const again = await ask('stripes-finder', asGiven(kept.input ?? new Uint8Array()))
    expect(again.answer).toMatchObject({ kind: 'boxes', boxes: [] })
  })

  it('leave nothing behind: no store of the browser has the photo as it was given', async () => {
    const before = await tab.evaluate(() => page.stored())
    const { body } = await ask('bright-hidden', striped)
    const after = await tab.evaluate(() => page.stored())
    const named = body.attachments.map(({ sha256 }) => sha256)
    expect(after.filter((hash) => !before.includes(hash) && !named.includes(hash))).toEqual([])
    expect(named).not.toContain(await sha256Hex(new Uint8Array(Buffer.from(striped.base64, 'base64'))))
  })

  it.each([
    ['bright-lonely', 'pack/absent'],
    ['bright-blind', 'pack/no-finder'],
  ])('are not kept where nobody can look: %s says %s, and answers', async (name, unkept) => {
    const before = await tab.evaluate(() => page.stored())
    const { answer, body } = await ask(name, striped)
    expect(answer).toEqual((await ask('bright', striped)).answer)
    expect([body.attachments, body.faces]).toEqual([[], { unkept }])
    const after = await tab.evaluate(() => page.stored())
    const plain = (await ask('bright', striped)).body.attachments.map(({ sha256 }) => sha256)
    expect(after.filter((hash) => !before.includes(hash) && !plain.includes(hash))).toEqual([])
  })

  it('go from the record when a person still sees a face, and the answer stays', async () => {
    const asked = await ask('bright-hidden', striped)
    const wanted = asked.body.attachments.find(({ role }) => role === 'input')?.sha256 ?? ''
    // The very same picture belongs to records before it too.
    const removed = await tab.evaluate((id) => page.removePhoto(id), asked.id)
    expect(removed.body).toMatchObject({ attachments: [], answer: asked.body.answer, faces: { unkept: 'person' } })
    expect(removed.id).not.toBe(asked.id)
    expect(await tab.evaluate(() => page.stored())).toContain(wanted)
  })

  it('that were taken with the phone held sideways are turned upright first', async () => {
    const upright = stripedPicture()
    const { width, height } = upright
    // As the sensor saw it: what is the left side upright lies at the bottom.
    const lying = new Uint8ClampedArray(upright.data.length)
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = (y * width + x) * 4
        lying.set(upright.data.subarray(from, from + 4), ((width - 1 - x) * height + y) * 4)
      }
    }
    const jpeg = await tab.evaluate(
      async ([base64, across, down]) => {
        const bytes = Uint8ClampedArray.from(atob(base64), (c) => c.charCodeAt(0))
        const canvas = new OffscreenCanvas(across, down)
        canvas.getContext('2d')?.putImageData(new ImageData(bytes, across, down), 0, 0)
        const file = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 })
        return btoa(Array.from(new Uint8Array(await file.arrayBuffer()), (b) => String.fromCharCode(b)).join(''))
      },
      [Buffer.from(lying).toString('base64'), height, width] as const,
    )
    const plain = new Uint8Array(Buffer.from(jpeg, 'base64'))
    // EXIF orientation 6.
    const sideways = concat(
      plain.slice(0, 2),
      Uint8Array.of(0xff, 0xe1, 0, 34, 0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8),
      Uint8Array.of(0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0),
      plain.slice(2),
    )
    const { body } = await ask('bright-hidden', asGiven(sideways))
    expect(body.faces).toMatchObject({ hidden: 1 })
    const whole = await decode((await pictures(body)).input ?? new Uint8Array())
    expect([whole.width, whole.height]).toEqual([width, height])
    expect(contrast(whole)).toBeLessThan(60)
  })

  it('of a form are looked at too', async () => {
    const hidden = await tab.evaluate((given) => page.hideFaces('stripes-finder', given), striped)
    if ('code' in hidden) throw new Error(hidden.code)
    expect(hidden.hidden).toBe(1)
    expect(contrast(await decode(new Uint8Array(Buffer.from(hidden.base64, 'base64'))))).toBeLessThan(60)
    expect(await tab.evaluate((given) => page.hideFaces('nobody-has-it', given), striped)).toEqual({
      code: 'input/faces',
    })
    expect(
      await tab.evaluate(
        (base64) => page.hideFaces('stripes-finder', { base64, type: 'image/jpeg' }),
        btoa('no photo'),
      ),
    ).toEqual({ code: 'input/not-an-image' })
  })

  it('are said to need a finder, and whether it is here', async () => {
    const finders = await tab.evaluate(() => page.finders())
    expect(finders['bright-hidden']).toEqual({ name: 'stripes-finder', ready: true, bytes: 0 })
    expect(finders['bright-lonely']).toEqual({ name: 'nobody-has-it', ready: false })
    expect(finders.bright).toBeUndefined()
  })

  describe.runIf(hasMaterials)('real ones', () => {
    it.each(
      REAL.flatMap((finder) => [
        [finder, 'face', 2],
        [finder, 'grace_hopper', 1],
        [finder, 'cat', 0],
      ]) as [string, string, number][],
    )('%s in %s: at least %d', async (finder, name, least) => {
      const bytes = materialBytes(`datasets/sample-photos/${name}.jpg`)
      const photo = { base64: Buffer.from(bytes).toString('base64'), type: 'image/jpeg' }
      const plain = await ask('bright', photo)
      const { answer, body } = await ask(`bright-${finder}`, photo)
      expect(answer).toMatchObject({ label: plain.answer.kind === 'classes' ? plain.answer.label : '' })
      const { hidden = 0 } = body.faces ?? {}
      console.log(`${finder}, ${name}: ${hidden} hidden`)
      expect(hidden).toBeGreaterThanOrEqual(least)
      if (least === 0) expect(hidden).toBe(0)
      const { input = new Uint8Array(), preview = new Uint8Array() } = await pictures(body)
      expect([carriesMetadata(input), carriesMetadata(preview)]).toEqual([false, false])
      // Neither finder sees any in what is kept, whichever hid them.
      for (const other of REAL) {
        expect((await ask(other, asGiven(input))).answer).toMatchObject({ kind: 'boxes', boxes: [] })
      }
      if (least === 0) return
      const found = (await ask(finder, photo)).answer
      const [first] = found.kind === 'boxes' ? found.boxes : []
      if (!first) throw new Error('the finder sees none in the photo itself')
      const [before, after] = [await decode(bytes), await decode(input)]
      const [x, y] = [first.x + first.width / 2, first.y + first.height / 2]
      const around = (of: Pixels): number[] =>
        Array.from({ length: 40 }, (_, i) =>
          greyAt(of, Math.floor((x + ((i - 20) * first.width) / 60) * of.width), Math.floor(y * of.height)),
        )
      // A face has many greys; what is left of it at most a few colours side by side.
      const steps = (greys: readonly number[]): number =>
        greys.filter((grey, i) => Math.abs(grey - (greys[i - 1] ?? grey)) > 8).length
      expect(steps(around(after))).toBeLessThanOrEqual(4)
      expect(around(after)).not.toEqual(around(before))
    })
  })
})

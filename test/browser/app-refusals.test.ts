import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, askInVain, createField, type Field, go, history, installPack, sample } from '../helpers/field-app.ts'

const failureOf = async (page: Page): Promise<string | null> => {
  const failure = page.getByTestId('failure').first()
  await failure.waitFor()
  return failure.getAttribute('data-code')
}
const words = (page: Page): Promise<string> => page.getByTestId('failure').first().innerText()

describe('what the phone refuses', () => {
  let field: Field
  beforeAll(async () => {
    // A phone with a microphone and a camera, and nobody who allows them.
    field = await createField({
      packs: 'dist/packs',
      flags: ['--use-fake-device-for-media-stream', '--deny-permission-prompts'],
    })
  })
  afterAll(() => field?.close())

  it('the microphone: says so, says what to do, and a recording is answered instead', async () => {
    const { page } = field
    await installPack(page, 'spoken-arabic')
    await page.getByTestId('pack-spoken-arabic').getByTestId('listen').click()
    expect(await failureOf(page)).toBe('input/microphone-refused')
    expect(await words(page)).toMatch(/microphone(.|\n)*settings/i)
    await page.getByTestId('sound-choose').setInputFiles('models/spoken-arabic/samples/five-0090.wav')
    await page.getByTestId('answer').waitFor()
  })

  it('the camera in the app: says so, and the phone’s own takes the photo', async () => {
    const { page } = field
    await go(page, '#/')
    await installPack(page)
    await page.getByTestId('pack-coffee-leaf').getByTestId('open-task').click()
    await page.getByTestId('sight-open').click()
    expect(await failureOf(page)).toBe('input/camera-refused')
    expect(await words(page)).toMatch(/camera(.|\n)*settings/i)
    await page.getByTestId('photo-input').setInputFiles(sample('healthy-2.jpg'))
    await page.getByTestId('answer').waitFor()
  })

  it('room for a photo: says that the phone is full, and the photo is still there for another try', async () => {
    const { page } = field
    await ask(page, sample('healthy-1.jpg'))
    const before = (await history(page)).length
    // As a phone without room does it: Chromium's own switch for that lets small writes through.
    await page.evaluate(() => {
      const { add, put } = IDBObjectStore.prototype
      const refuse = (): never => {
        throw new DOMException('full', 'QuotaExceededError')
      }
      Object.assign(IDBObjectStore.prototype, { add: refuse, put: refuse })
      Object.assign(window, { makeRoom: () => Object.assign(IDBObjectStore.prototype, { add, put }) })
    })
    const photo = { name: 'leaf.jpg', mimeType: 'image/jpeg', buffer: await readFile(sample('rust-121.jpg')) }
    expect(await askInVain(page, photo)).toBe('storage/quota')
    expect(await words(page)).toMatch(/full/i)
    await page.evaluate('makeRoom()')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByTestId('answer').waitFor()
    expect(await history(page)).toHaveLength(before + 1)
  })

  it('a database: says that nothing can be kept here', async () => {
    const page = await field.context.newPage()
    await page.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('The operation is insecure.', 'SecurityError')
      }
    })
    await page.goto(field.network.url)
    expect(await failureOf(page)).toMatch(/^storage\//)
    expect((await words(page)).length).toBeGreaterThan(40)
    await page.close()
  })
})

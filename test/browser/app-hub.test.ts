import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256Hex } from '../../src/lib/sha256.ts'
import { blobPath } from '../../src/protocol/hub.ts'
import type { RecordBody } from '../../src/protocol/record.ts'
import { FORM } from '../helpers/fake-app/form.ts'
import { allIn, ask, createField, type Field, go, history, installPack, sample, sendNow } from '../helpers/field-app.ts'
import { copyPacks, publishNext } from '../helpers/pack-versions.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const PHOTOS = ['rust-121.jpg', 'healthy-1.jpg', 'rust-121.jpg'].map(sample)

describe('the built app and a real hub', () => {
  let field: Field
  let packs: string
  beforeAll(async () => {
    packs = temporaryFolder()
    await copyPacks(packs)
    await publishNext(packs, '1.9.0', (manifest) => {
      manifest.form = FORM
    })
    field = await createField({ packs })
    await installPack(field.page)
  })
  afterAll(() => field?.close())

  const bodies = async (): Promise<RecordBody[]> => (await field.hub.records()).map(({ body }) => body as RecordBody)

  it('many photos come home with one batch, each with its picture; the one chosen twice is said to be', async () => {
    const { page } = field
    await page.getByTestId('photo-choose').first().setInputFiles(PHOTOS)
    await page.locator('[data-testid=batch][data-state=done][data-done="3"]').waitFor()
    await page.getByTestId('batch-twice').waitFor()
    expect(await page.getByTestId('batch-twice').getByTestId('record').count()).toBe(1)
    await sendNow(page)
    await allIn(page, 'final', 3)
    const results = (await bodies()).filter((body) => body.kind === 'result')
    expect(results.map(({ batch }) => batch?.at).sort()).toEqual([0, 1, 2])
    expect(new Set(results.map(({ batch }) => batch?.id)).size).toBe(1)
    const likeness = results.map((body) => body.likeness)
    expect(new Set(likeness).size).toBe(2)
  })

  it('the photo of a form comes home too, byte for byte as the phone has it', async () => {
    const { page, hub } = field
    await ask(page, sample('healthy-2.jpg'))
    await page.getByTestId('question-trees').fill('12')
    await page.getByTestId('question-sprayed').fill('2026-11-02')
    await page.getByTestId('question-tree').setInputFiles(sample('healthy-1.jpg'))
    await page.locator('label:has([data-testid=question-tree]) .picture-check').waitFor()
    await page.getByTestId('form-save').click()
    await page.locator('[data-testid=form][data-filled=true]').waitFor()
    await sendNow(page)
    await allIn(page, 'final', 4)
    const said = (await bodies()).find((body) => body.kind === 'correction')
    expect(said?.patch).toMatchObject({ 'form.trees': 12, 'form.sprayed': '2026-11-02' })
    const [photo] = said?.attachments ?? []
    expect(photo).toMatchObject({ type: 'image/jpeg', sha256: said?.patch['form.tree'] })
    const arrived = async (): Promise<string> => {
      const response = await fetch(`${hub.url}${blobPath('default', photo?.sha256 ?? '')}`)
      return sha256Hex(new Uint8Array(await response.arrayBuffer()))
    }
    await expect.poll(arrived).toBe(photo?.sha256)
  })

  it('the same photo asked about again is said to be, and is an answer all the same', async () => {
    const { page } = field
    await ask(page, sample('healthy-2.jpg'))
    await page.getByTestId('asked-before').click()
    await page.locator('[data-testid=form][data-filled=true]').waitFor()
    expect(await history(page)).toHaveLength(5)
  })

  describe('two tabs', () => {
    let other: Page
    beforeAll(async () => {
      other = await field.context.newPage()
      await other.goto(field.network.url)
    })

    it('have the same answers, whichever was asked', async () => {
      await ask(other, sample('rust-122.jpg'))
      await expect.poll(async () => (await history(field.page)).length).toBe(6)
      await ask(field.page, sample('leaf_miner-42.jpg'))
      await expect.poll(async () => (await history(other)).length).toBe(7)
    })

    it('speak one language and know of one person, whichever is told', async () => {
      await go(other, '#/settings')
      await other.getByTestId('language-sw').check()
      await field.page.locator('html[lang=sw]').waitFor()
      await other.getByTestId('nav-people').click()
      await other.getByTestId('person-name').fill('Asha')
      await other.getByTestId('person-add').click()
      await other.locator('[data-testid=person-Asha][aria-pressed=true]').waitFor()
      await ask(field.page, sample('phoma-232.jpg'))
      const actors = async (): Promise<unknown[]> => {
        return (await bodies()).flatMap((body) =>
          body.kind === 'result' && body.actor !== undefined ? [body.actor] : [],
        )
      }
      await expect.poll(actors).toHaveLength(1)
    })
  })
})

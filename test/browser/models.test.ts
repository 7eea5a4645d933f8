import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { controlled, createField, type Field, installPack } from '../helpers/field-app.ts'

const SAMPLE = /\.(jpe?g|png|wav|txt)$/

interface Model {
  name: string
  samples: readonly string[]
}

/** Models of this project that come with samples. A sample's name begins with what it shows: `rust-121.jpg`. */
const models: Model[] = readdirSync('models', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => {
    const files = readdirSync(join('models', name))
    if (!files.includes('pack.json') || !files.includes('samples')) return []
    const samples = readdirSync(join('models', name, 'samples')).filter((file) => SAMPLE.test(file))
    return [{ name, samples: samples.sort() }]
  })

const wantedOf = (sample: string): string => sample.slice(0, sample.lastIndexOf('-'))

async function give(page: Page, { name }: Model, sample: string): Promise<void> {
  const path = join('models', name, 'samples', sample)
  await page.evaluate((pack) => {
    location.hash = `#/capture/${pack}`
  }, name)
  if (extname(sample) === '.txt') {
    await page.getByTestId('text-input').fill(readFileSync(path, 'utf8'))
    await page.getByTestId('text-send').click()
  } else {
    await page.getByTestId(extname(sample) === '.wav' ? 'sound-choose' : 'photo-choose').setInputFiles(path)
  }
}

/** What is answered: a label, or text that was read. */
async function answered(page: Page): Promise<string> {
  const answer = page.getByTestId('answer')
  await answer.waitFor({ timeout: 60_000 })
  return (await answer.getAttribute('data-label')) || (await answer.getAttribute('data-text')) || ''
}

describe('every model of this project', () => {
  let field: Field
  beforeAll(async () => {
    field = await createField({ packs: 'dist/packs' })
    await controlled(field.page)
    // As a phone would: all at home, on one visit.
    for (const { name } of models) await installPack(field.page, name)
    await field.hub.stop()
    await field.page.goto('about:blank')
    await field.page.goto(field.network.url)
  }, 240_000)
  afterAll(() => field?.close())

  it.each(models)('$name answers its samples with no hub in reach', async (model) => {
    const { page } = field
    const wrong: string[] = []
    for (const sample of model.samples) {
      await give(page, model, sample)
      const got = await answered(page)
      if (got !== wantedOf(sample)) wrong.push(`${sample}: ${got}`)
      await page.evaluate(() => {
        location.hash = '#/'
      })
    }
    expect(model.samples.length).toBeGreaterThan(1)
    expect(wrong).toEqual([])
  })

  it('needed no byte of onnxruntime-web', () => {
    expect(field.network.seen.filter(({ path }) => path.includes('/runtime/'))).toEqual([])
  })
})

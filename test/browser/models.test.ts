import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { complete, createField, type Field, go, installPack } from '../helpers/field-app.ts'

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

/** What a sample shows, by its name: a label, or after `number-` what is written there. */
const shownBy = (sample: string): string => {
  const name = sample.slice(0, sample.lastIndexOf('.'))
  return name.startsWith('number-') ? name.slice('number-'.length) : name.slice(0, name.lastIndexOf('-'))
}

/** What Node answers with the same code, sample by sample. */
function answersInNode({ name, samples }: Model): string[] {
  const files = samples.map((sample) => join('models', name, 'samples', sample))
  const { stdout, stderr, status } = spawnSync(process.execPath, ['src/cli/main.ts', 'run', name, ...files, '--json'], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const { label, text } = JSON.parse(line) as { label?: string; text?: string }
      return label ?? text ?? ''
    })
}

async function give(page: Page, { name }: Model, sample: string): Promise<void> {
  const path = join('models', name, 'samples', sample)
  // The answer before must be gone: it looks like the one that is waited for.
  await page.getByTestId('answer').waitFor({ state: 'detached' })
  await go(page, `#/capture/${name}`)
  if (extname(sample) === '.txt') {
    await page.getByTestId('text-input').fill(readFileSync(path, 'utf8'))
    await page.getByTestId('text-send').click()
  } else {
    const choose = extname(sample) === '.wav' ? 'sound-choose' : 'photo-choose'
    // Home has one of each pack.
    await page.locator(`[data-testid="${choose}"][data-pack="${name}"]`).setInputFiles(path)
  }
}

/** What is answered: a label, or text that was read. */
async function answered(page: Page): Promise<string> {
  const answer = page.getByTestId('answer')
  await answer.waitFor()
  return (await answer.getAttribute('data-label')) || (await answer.getAttribute('data-text')) || ''
}

describe('every model of this project', () => {
  let field: Field
  beforeAll(async () => {
    field = await createField({ packs: 'dist/packs' })
    // As a phone would: all at home, on one visit.
    for (const { name } of models) await installPack(field.page, name)
    await complete(field.page)
    await field.hub.stop()
    await field.page.goto('about:blank')
    await field.page.goto(field.network.url)
  })
  afterAll(() => field?.close())

  it.each(models)('$name answers its samples with no hub in reach', async (model) => {
    const { page } = field
    const answers: string[] = []
    for (const sample of model.samples) {
      await give(page, model, sample)
      answers.push(await answered(page))
      await go(page, '#/')
    }
    expect(answers).toEqual(answersInNode(model))
    // A model errs; one that errs on more than a few of its own samples is not what its card says.
    const right = model.samples.filter((sample, i) => answers[i] === shownBy(sample))
    expect(right.length).toBeGreaterThanOrEqual(Math.ceil(0.8 * model.samples.length))
  })

  it('needed no byte of onnxruntime-web', () => {
    expect(field.network.seen.filter(({ path }) => path.includes('/runtime/'))).toEqual([])
  })
})

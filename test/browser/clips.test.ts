import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatBytes } from '../../src/app/format.ts'
import { soundType } from '../../src/lib/sound-type.ts'
import { chunksOf, pathsOf } from '../../src/packs/layout.ts'
import { clipPaths } from '../../src/protocol/clips.ts'
import type { Manifest } from '../../src/protocol/manifest.ts'
import { parsePackIndex } from '../../src/protocol/pack-index.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { ask, complete, controlled, createField, type Field, go, installPack, sample } from '../helpers/field-app.ts'
import { publishRecorded } from '../helpers/pack-versions.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { tone } from '../helpers/tone.ts'

const LABEL = 'rust'
const PHOTO = sample('rust-121.jpg')

const shasOf = ({ blob }: Manifest, indexes: readonly number[]): string[] =>
  indexes.map((index) => blob.chunks[index]?.sha256 ?? '')
const clips = (manifest: Manifest, language: string): number[] => chunksOf(manifest, clipPaths(manifest, language))
const bytesOf = ({ blob }: Manifest, indexes: readonly number[]): number =>
  indexes.reduce((sum, index) => sum + (blob.chunks[index]?.length ?? 0), 0)

/** Hashes of the chunks that the phone has. */
const chunksHere = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const keys = await (await caches.open('jiko-chunks-v1')).keys()
    return keys.flatMap(({ url }) => /\/\.chunks\/([0-9a-f]{64})$/.exec(url)?.[1] ?? [])
  })

const clip = (page: Page) => page.getByTestId('clip')

/** Presses the button and hears the recording to its end. Whatever the machine, sound takes the time that it takes. */
async function hear(page: Page): Promise<number> {
  await clip(page).evaluate((audio: HTMLAudioElement) => {
    delete audio.dataset.heard
    const heard = (): void => {
      audio.dataset.heard = 'yes'
    }
    audio.addEventListener('playing', heard, { once: true })
  })
  await page.getByTestId('speak').click()
  await expect.poll(() => clip(page).evaluate((audio: HTMLAudioElement) => audio.currentTime)).toBeGreaterThan(0)
  await expect.poll(() => clip(page).evaluate((audio: HTMLAudioElement) => audio.ended)).toBe(true)
  await page.waitForSelector('[data-testid="speak"][data-speaking="false"]')
  expect(await clip(page).getAttribute('data-heard')).toBe('yes')
  return clip(page).evaluate((audio: HTMLAudioElement) => audio.currentTime)
}

/** Half a second of a tone as Chromium itself records it: Opus in WebM. */
async function recordOpus(): Promise<Uint8Array<ArrayBuffer>> {
  const { context, profile } = await openProfile({ flags: ['--autoplay-policy=no-user-gesture-required'] })
  try {
    const page = context.pages()[0] ?? (await context.newPage())
    const base64 = await page.evaluate(async () => {
      const sound = new AudioContext()
      const out = sound.createMediaStreamDestination()
      const source = new OscillatorNode(sound, { frequency: 440 })
      source.connect(out)
      const recorder = new MediaRecorder(out.stream, { mimeType: 'audio/webm;codecs=opus', audioBitsPerSecond: 16_000 })
      const parts: Blob[] = []
      recorder.ondataavailable = ({ data }) => parts.push(data)
      const ended = new Promise((done) => recorder.addEventListener('stop', done, { once: true }))
      source.start()
      recorder.start(100)
      // As much as half a second and a little takes, however long the machine needs for it.
      while (parts.reduce((sum, { size }) => sum + size, 0) < 1500)
        await new Promise((done) => recorder.addEventListener('dataavailable', done, { once: true }))
      recorder.stop()
      await ended
      const bytes = new Uint8Array(await new Blob(parts).arrayBuffer())
      return btoa(String.fromCharCode(...bytes))
    })
    return Uint8Array.from(Buffer.from(base64, 'base64'))
  } finally {
    await context.close()
    await deleteProfile(profile)
  }
}

describe('recorded answers, on a phone without voices', () => {
  let field: Field
  let manifest: Manifest
  let record = ''
  let packs = ''
  beforeAll(async () => {
    const opus = await recordOpus()
    expect(soundType(opus)).toBe('audio/webm')
    packs = temporaryFolder()
    // Of each label another tone; the one that is asked for in Swahili is what a browser has recorded.
    const labels: string[] = []
    manifest = await publishRecorded(packs, ['ar', 'sw'], (label, language) => {
      if (!labels.includes(label)) labels.push(label)
      if (label === LABEL && language === 'sw') return opus
      return tone(language === 'ar' ? 0.5 : 1, 200 + 61 * labels.indexOf(label) + (language === 'ar' ? 17 : 0))
    })
    field = await createField({ packs })
    // As on most phones in most languages; the machine of a test may have some.
    await field.context.addInitScript(() => {
      speechSynthesis.getVoices = () => []
    })
  })
  afterAll(() => field?.close())

  it('come with the pack in the language of the app, and in no other', async () => {
    const { page, network } = field
    await controlled(page)
    // Its texts are here for later, when there is no network.
    for (const language of ['ar', 'sw']) {
      await page.evaluate(
        (tag) => localStorage.setItem('jiko-preferences', JSON.stringify({ language: tag })),
        language,
      )
      await page.reload()
      await page.locator(`html[lang="${language}"]`).waitFor()
      await go(page, '#/settings')
      await page.getByTestId(`language-${language}`).waitFor({ state: 'attached' })
      await go(page, '#/')
    }
    const [entry] = parsePackIndex(readFileSync(join(packs, 'index.json'), 'utf8')).packs
    // With what comes along: so much it says once it knows that no voice speaks Swahili here.
    const cost = formatBytes((entry?.bytes ?? 0) + bytesOf(manifest, clips(manifest, 'sw')), 'sw')
    await expect.poll(() => page.getByTestId('cost').textContent()).toContain(cost)
    network.seen.length = 0
    await installPack(page, 'coffee-leaf')
    const needed = chunksOf(manifest, pathsOf(manifest))
    const swahili = clips(manifest, 'sw')
    const here = await chunksHere(page)
    expect(here.sort()).toEqual([...new Set(shasOf(manifest, [...needed, ...swahili]))].sort())
    const fetched = network.seen.filter(({ path }) => path.endsWith('.bin')).reduce((sum, { bytes }) => sum + bytes, 0)
    expect(fetched).toBe(bytesOf(manifest, [...needed, ...swahili]))
  })

  it('are heard without a network, stopped, heard again, and silent when the screen is left', async () => {
    const { page, network, context } = field
    await complete(page)
    const scripts = readdirSync('dist/app/runtime/clips').filter((name) => name.endsWith('.js')).length
    const kept = (): Promise<number> =>
      page.evaluate(async () => (await (await caches.open('jiko-clips-v1')).keys()).length)
    await expect.poll(kept).toBe(scripts)
    await context.setOffline(true)
    await network.cut()
    expect((await ask(page, PHOTO)).label).toBe(LABEL)
    record = await page.evaluate(() => location.hash)
    await page.getByTestId('speak').waitFor()
    expect(await hear(page)).toBeGreaterThan(0.1)
    // Again from the beginning, and to its end.
    expect(await hear(page)).toBeGreaterThan(0.1)
    const stopped = await clip(page).evaluate(async (audio: HTMLAudioElement) => {
      const button = document.querySelector<HTMLElement>('[data-testid="speak"]')
      // However slow the machine is, it does not end by itself meanwhile.
      audio.loop = true
      const heard = (event: string) => new Promise((done) => audio.addEventListener(event, done, { once: true }))
      const playing = heard('playing')
      button?.click()
      await playing
      const pausing = heard('pause')
      button?.click()
      await pausing
      const byHand = !audio.ended
      const onceMore = heard('playing')
      button?.click()
      await onceMore
      const left = heard('pause')
      location.hash = '#/'
      await left
      return { byHand, byLeaving: !audio.ended && audio.paused }
    })
    expect(stopped).toEqual({ byHand: true, byLeaving: true })
  })

  it('of another language are not here, and said not to be; they come when there is a network', async () => {
    const { page, network, context } = field
    await go(page, '#/settings')
    await page.getByTestId('language-ar').check({ force: true })
    await page.locator('html[lang="ar"][dir="rtl"]').waitFor()
    await go(page, record)
    await page.getByTestId('clip-away').waitFor()
    expect(await page.getByTestId('speak').count()).toBe(0)
    const arabic = clips(manifest, 'ar')
    const size = formatBytes(bytesOf(manifest, arabic), 'ar')
    expect(await page.getByTestId('clip-cost').textContent()).toContain(size)
    network.seen.length = 0
    await network.restore()
    await context.setOffline(false)
    await page.getByTestId('speak').waitFor()
    expect(await hear(page)).toBeGreaterThan(0.4)
    const fetched = network.seen.filter(({ path }) => path.endsWith('.bin'))
    expect(fetched.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(bytesOf(manifest, arabic))
    // Both are here now, and the pack is as whole as it was.
    await go(page, '#/packs')
    await page.getByTestId('clips-ar').waitFor()
    expect(await page.getByTestId('clip-away').count()).toBe(0)
  })

  it('of a language that the app speaks no more are taken away without a network; those it speaks stay', async () => {
    const { page, network, context } = field
    await context.setOffline(true)
    await network.cut()
    expect(await page.getByTestId('clips-drop-ar').count()).toBe(0)
    await page.getByTestId('clips-drop-sw').click()
    await page.getByTestId('clips-sw').waitFor({ state: 'detached' })
    const whole = [...chunksOf(manifest, pathsOf(manifest)), ...clips(manifest, 'ar')]
    expect((await chunksHere(page)).sort()).toEqual([...new Set(shasOf(manifest, whole))].sort())
    await go(page, record)
    await page.getByTestId('speak').waitFor()
    expect(await hear(page)).toBeGreaterThan(0.4)
    await go(page, '#/settings')
    await page.getByTestId('language-sw').check({ force: true })
    await page.locator('html[lang="sw"]').waitFor()
    await go(page, record)
    await page.getByTestId('clip-away').waitFor()
  })
})

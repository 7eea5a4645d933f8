import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { FORM } from '../helpers/fake-app/form.ts'
import type { FakePageOptions } from '../helpers/fake-app/options.ts'
import { type FakeApp, serveFakeApp } from '../helpers/fake-app.ts'

const PHOTO = 'models/coffee-leaf/samples/rust-121.jpg'
const PHOTOS = ['rust-121', 'rust-122', 'healthy-1'].map((name) => `models/coffee-leaf/samples/${name}.jpg`)
const HISTORY: FakePageOptions['history'] = [
  { label: 'rust', score: 0.97, state: 'local' },
  { label: 'healthy', score: 0.4, state: 'held', daysAgo: 1 },
  { label: 'leaf_miner', score: 0.61, state: 'final', corrected: 'rust', daysAgo: 2 },
]

describe('in the field, on 320 px', () => {
  let app: FakeApp
  let context: BrowserContext
  let profile: string
  beforeAll(async () => {
    app = await serveFakeApp()
  })
  afterAll(() => app?.close())
  beforeEach(async () => {
    ;({ context, profile } = await openProfile({ width: 320, height: 640 }))
  })
  afterEach(async () => {
    await context?.close()
    await deleteProfile(profile)
  })

  async function open(options: FakePageOptions, hash?: string): Promise<Page> {
    const page = await context.newPage()
    await page.goto(app.url(options, hash))
    await page.locator('#main').waitFor()
    return page
  }
  const rows = (page: Page): Promise<(string | null)[]> =>
    page.getByTestId('record').evaluateAll((all) => all.map((row) => row.getAttribute('data-label')))

  it('an answer is said by a voice of the phone rather than by a recording, and no longer than is wanted', async () => {
    const page = await open({ installed: true, clips: { en: 'here' } })
    await page.evaluate(() => {
      const said: string[] = []
      // No machine of a test has to have voices.
      class Words {
        text: string
        constructor(text: string) {
          this.text = text
        }
      }
      const voice = { lang: 'en-GB', localService: true } as SpeechSynthesisVoice
      Object.assign(globalThis, { said, SpeechSynthesisUtterance: Words })
      Object.assign(speechSynthesis, {
        getVoices: () => [voice],
        speak: (words: Words) => void said.push(words.text),
        cancel: () => void said.push('silence'),
      })
    })
    const said = (): Promise<string[]> => page.evaluate(() => (globalThis as unknown as { said: string[] }).said)
    await page.getByTestId('photo-input').setInputFiles(PHOTO)
    const button = page.getByTestId('speak')
    await button.click()
    await page.waitForSelector('[data-testid="speak"][data-speaking="true"]')
    expect((await said()).at(-1)).toMatch(/^Leaf rust\. /)
    expect(await page.getByTestId('clip').count()).toBe(0)
    await button.click()
    await page.waitForSelector('[data-testid="speak"][data-speaking="false"]')
    expect((await said()).at(-1)).toBe('silence')
  })

  describe('many photos', () => {
    it('are answered from one choice at home; those to look at come first; back leads home', async () => {
      const page = await open({ installed: true, answer: { label: 'rust', score: 0.4 } })
      await page.getByTestId('photo-choose').setInputFiles(PHOTOS)
      await expect.poll(() => page.getByTestId('batch').getAttribute('data-done')).toBe('3')
      await expect.poll(() => page.getByTestId('batch-unsure').getByTestId('record').count()).toBe(3)
      expect(await page.getByTestId('batch-sure').count()).toBe(0)
      await page.goBack()
      await page.getByTestId('photo-input').waitFor()
      expect(await page.getByTestId('kept-batch').count()).toBe(0)
    })

    it('that a killed page left are taken up again, each once', async () => {
      const killed = await open({ installed: true, delay: 'forever' })
      await killed.getByTestId('photo-choose').setInputFiles(PHOTOS)
      const kept = (): Promise<number> =>
        killed.evaluate(async () => {
          const root = await navigator.storage.getDirectory()
          const folder = await root.getDirectoryHandle('jiko-batch').catch(() => undefined)
          if (!folder) return 0
          let whole = 0
          for (const at of ['0', '1', '2']) {
            const file = await folder.getFileHandle(at).then(
              (handle) => handle.getFile(),
              () => undefined,
            )
            if (file && file.size > 0) whole += 1
          }
          return whole
        })
      await expect.poll(kept).toBe(3)
      await killed.close()
      const page = await open({ installed: true })
      await page.getByTestId('kept-batch').click()
      await page.getByTestId('batch-resume').click()
      await expect.poll(() => page.getByTestId('batch').getAttribute('data-done')).toBe('3')
      await expect.poll(() => page.getByTestId('record').count()).toBe(3)
      await page.reload()
      await page.getByTestId('nav-home').click()
      await page.getByTestId('photo-input').waitFor()
      expect(await page.getByTestId('kept-batch').count()).toBe(0)
    })

    it('can be stopped', async () => {
      const page = await open({ installed: true, delay: 'forever' })
      await page.getByTestId('photo-choose').setInputFiles(PHOTOS)
      await page.getByTestId('batch-stop').click()
      await expect.poll(() => page.getByTestId('batch').getAttribute('data-state')).toBe('done')
      expect(await page.getByTestId('batch').getAttribute('data-total')).toBe('0')
    })
  })

  describe('the history', () => {
    it('finds by word, state, day and doubt, and opens an answer to correct and note', async () => {
      const page = await open({ installed: true, history: HISTORY })
      await page.getByTestId('nav-history').click()
      await page.getByTestId('find-text').fill('RUST')
      await expect.poll(() => rows(page)).toEqual(['rust', 'rust'])
      await page.getByTestId('find-more').click()
      await page.getByTestId('find-state').selectOption('final')
      await expect.poll(() => rows(page)).toEqual(['rust'])
      await page.getByTestId('find-clear').click()
      await page.getByTestId('find-unsure').check()
      await expect.poll(() => rows(page)).toEqual(['healthy'])
      await page.getByTestId('record').locator('a').click()
      await page.getByTestId('correct').click()
      await page.getByTestId('correct-leaf_miner').click()
      await page.getByTestId('note').click()
      await page.getByTestId('note-text').fill('Chini ya mwembe')
      await page.getByTestId('note-save').click()
      await expect.poll(() => page.getByTestId('notes').textContent()).toBe('Chini ya mwembe')
      await expect.poll(() => page.locator('.answer .word').textContent()).toBe('Leaf miner')
      await page.goBack()
      await page.getByTestId('find-text').waitFor()
    })

    it('draws two weeks, and the places once there are some', async () => {
      const place = { latitude: -1.28, longitude: 36.8 }
      const page = await open(
        { installed: true, history: [{ label: 'rust', score: 0.9, state: 'local', daysAgo: 0, place }] },
        '#/history',
      )
      await expect.poll(() => page.getByTestId('day-chart').getAttribute('data-total')).toBe('1')
      await page.getByTestId('open-map').click()
      expect(await page.getByTestId('place-map').getAttribute('data-points')).toBe('1')
    })
  })

  describe('the place', () => {
    const choosePlace = async (page: Page): Promise<void> => {
      await page.getByTestId('nav-settings').click()
      await page.getByTestId('place-on').check()
    }
    const placed = async (page: Page): Promise<number> => {
      await page.getByTestId('nav-home').click()
      await page.getByTestId('photo-input').setInputFiles(PHOTO)
      await page.getByTestId('answer').waitFor()
      await page.getByTestId('nav-history').click()
      await page.getByTestId('day-chart').waitFor()
      return page.getByTestId('open-map').count()
    }

    it('is kept from the moment somebody says so, and not before', async () => {
      await context.grantPermissions(['geolocation'])
      await context.setGeolocation({ latitude: -1.28, longitude: 36.8, accuracy: 9 })
      const page = await open({ installed: true })
      expect(await placed(page)).toBe(0)
      await choosePlace(page)
      await expect.poll(() => page.getByTestId('place-state').getAttribute('data-state')).toBe('found')
      expect(await placed(page)).toBe(1)
    })

    it('that is refused is said once, and answers come all the same', async () => {
      await context.clearPermissions()
      const page = await open({ installed: true })
      await choosePlace(page)
      await expect.poll(() => page.getByTestId('place-state').getAttribute('data-state')).toBe('refused')
      expect(await placed(page)).toBe(0)
    })
  })

  describe('people and the lock', () => {
    it('each person sees their own answers, in three taps from home', async () => {
      const page = await open({ installed: true, people: ['Asha', 'Juma*'] })
      const become = async (name: string): Promise<void> => {
        await page.getByTestId('nav-settings').click()
        await page.getByTestId('nav-people').click()
        await page.getByTestId(`person-${name}`).click()
      }
      await become('Asha')
      await page.getByTestId('nav-home').click()
      await page.getByTestId('photo-input').setInputFiles(PHOTO)
      await page.getByTestId('answer').waitFor()
      await become('Juma')
      await page.getByTestId('person-pin').fill('1111')
      await page.getByTestId('person-enter').click()
      await page.getByTestId('pin-refused').waitFor()
      await page.getByTestId('person-pin').fill('2468')
      await page.getByTestId('person-enter').click()
      await expect.poll(() => page.getByTestId('person-Juma').getAttribute('aria-pressed')).toBe('true')
      await page.getByTestId('nav-history').click()
      await page.getByRole('heading', { name: 'No answers yet' }).waitFor()
    })

    it('a locked app shows nothing, sends all the same, and opens with the PIN', async () => {
      const page = await open({ installed: true, lock: '2468', history: HISTORY }, '#/history')
      await page.getByTestId('gate-pin').waitFor()
      expect(await page.getByTestId('record').count()).toBe(0)
      await page.getByTestId('gate-pin').fill('0000')
      await page.getByTestId('gate-open').click()
      await page.getByTestId('pin-refused').waitFor()
      await page.getByTestId('gate-forgotten').click()
      await page.getByTestId('gate-send').click()
      const carried = page.waitForEvent('download')
      await page.getByTestId('gate-carry').click()
      expect((await carried).suggestedFilename()).toBe('records.jikorec')
      await page.getByTestId('gate-pin').fill('2468')
      await page.getByTestId('gate-open').click()
      await expect.poll(() => rows(page)).toEqual(['rust', 'healthy', 'rust'])
    })
  })

  describe('a form', () => {
    const form: FakePageOptions['form'] = {
      consent: true,
      questions: [
        { kind: 'number', name: 'trees', label: { en: 'How many?' }, required: true, least: 1 },
        { kind: 'text', name: 'why', label: { en: 'Why so many?' }, when: { question: 'trees', above: 10 } },
        { kind: 'photo', name: 'tree', label: { en: 'The tree' } },
      ],
    }

    it('asks what follows, says what is missing, and is kept with the answer', async () => {
      const page = await open({ installed: true, form })
      await page.getByTestId('photo-input').setInputFiles(PHOTO)
      await page.getByTestId('form-save').click()
      await expect.poll(() => page.locator('#question-trees-about').textContent()).toBe('This one is needed')
      // The star goes with the last word, wherever the line ends.
      expect(await page.locator('label:has([data-testid=question-trees]) span').textContent()).toBe('How many?\u00a0*')
      expect(await page.getByTestId('question-why').count()).toBe(0)
      await page.getByTestId('question-trees').fill('12')
      await page.getByTestId('question-why').fill('A whole field')
      await page.getByTestId('question-tree').setInputFiles(PHOTO)
      await page.locator('label:has([data-testid=question-tree]) .picture-check').waitFor()
      await page.getByTestId('form-save').click()
      await expect.poll(() => page.getByTestId('form').getAttribute('data-filled')).toBe('true')
      await page.getByTestId('form-open').click()
      expect(await page.getByTestId('question-trees').inputValue()).toBe('12')
    })

    it('loses nothing that is said while a photo is on its way, and is not saved without it', async () => {
      const page = await open({ installed: true, form })
      await page.getByTestId('photo-input').setInputFiles(PHOTO)
      await page.getByTestId('question-tree').waitFor()
      await page.evaluate(() => {
        const decode = globalThis.createImageBitmap
        const slow = async (file: Blob): Promise<ImageBitmap> => {
          await new Promise((resolve) => Object.assign(globalThis, { goOn: resolve }))
          return decode(file)
        }
        Object.assign(globalThis, { createImageBitmap: slow })
      })
      await page.getByTestId('question-tree').setInputFiles(PHOTO)
      await page.locator('[data-testid=form-save]:disabled').waitFor()
      await page.getByTestId('question-trees').fill('7')
      await page.evaluate('goOn()')
      await page.locator('label:has([data-testid=question-tree]) .picture-check').waitFor()
      expect(await page.getByTestId('question-trees').inputValue()).toBe('7')
      await page.getByTestId('form-save').click()
      await expect.poll(() => page.getByTestId('form').getAttribute('data-filled')).toBe('true')
    })

    it.each([
      ['ar', 'right'],
      ['en', 'left'],
    ] as const)('in English begins where the screen does, all of it: in %s at the %s', async (language, side) => {
      await context.addInitScript(
        (preferences) => localStorage.setItem('jiko-preferences', preferences),
        JSON.stringify({ language }),
      )
      const page = await open({ installed: true, form: FORM })
      await page.getByTestId('photo-input').setInputFiles(PHOTO)
      await page.getByTestId('shade-yes').check()
      await page.getByTestId('question-kind').fill('Grevillea')
      const edges = await page.getByTestId('form').evaluate((form, where) => {
        const edge = (node: Node): number => {
          const range = document.createRange()
          range.selectNodeContents(node)
          return Math.round(range.getBoundingClientRect()[where])
        }
        // One that is chosen stands a little further in.
        const fromStart = (span: Element): number => edge(span) - Math.round(span.getBoundingClientRect()[where])
        const inner = [...form.querySelectorAll('.choice > span')].map(fromStart)
        const outer = [...form.querySelectorAll('h2, legend, .field > span, p.lead')].map(edge)
        const typed = getComputedStyle(form.querySelector('[data-testid=question-kind]') as Element)
        return { inner: [...new Set(inner)], outer: [...new Set(outer)], typed: [typed.textAlign, typed.direction] }
      }, side)
      expect(edges).toEqual({
        inner: [0],
        outer: [expect.any(Number)],
        // What is written runs its own way all the same.
        typed: [side, 'ltr'],
      })
    })

    it.each([['comes later'], ['cannot be looked at']])(
      'keeps the photo chosen last, also where the one before it %s',
      async (what) => {
        const finder = { name: 'face-finder', ready: true, bytes: 0 }
        const page = await open({
          installed: true,
          pack: { finder },
          form: { ...form, blurFaces: finder.name },
          faces: { hidden: 1 },
        })
        await page.getByTestId('photo-input').setInputFiles(PHOTO)
        await page.getByTestId('question-tree').waitFor({ state: 'attached' })
        await page.evaluate((fails) => {
          const decode = globalThis.createImageBitmap
          const slow = async (file: Blob): Promise<ImageBitmap> => {
            Object.assign(globalThis, { createImageBitmap: decode })
            await new Promise((resolve) => Object.assign(globalThis, { goOn: resolve }))
            if (fails) throw new Error('no photo')
            return decode(file)
          }
          Object.assign(globalThis, { createImageBitmap: slow })
        }, what !== 'comes later')
        const wide = (): Promise<number> =>
          page
            .getByTestId('form-photo')
            .locator('img')
            .evaluate((image: HTMLImageElement) => image.naturalWidth)
        const asPng = (width: number) =>
          page.evaluate(async (across) => {
            const canvas = new OffscreenCanvas(across, 8)
            canvas.getContext('2d')
            return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())]
          }, width)
        const photo = async (width: number) => ({
          name: `${width}.png`,
          mimeType: 'image/png',
          buffer: Buffer.from(await asPng(width)),
        })
        const input = page.getByTestId('question-tree')
        await input.setInputFiles(await photo(11))
        await page.waitForFunction(() => 'goOn' in globalThis)
        await input.setInputFiles(await photo(22))
        await expect.poll(wide).toBe(22)
        await page.evaluate('goOn()')
        // Until it has come nothing can be saved.
        await page.locator('[data-testid=form-save]:enabled').waitFor()
        expect(await wide()).toBe(22)
        expect(await page.getByTestId('failure').count()).toBe(0)
      },
    )

    it('is not saved without a place that is on its way, unless somebody stops waiting for it', async () => {
      const where = { kind: 'place' as const, name: 'where', label: { en: 'Where?' } }
      const page = await open({ installed: true, form: { ...form, questions: [...form.questions, where] } })
      await page.getByTestId('photo-input').setInputFiles(PHOTO)
      await page.getByTestId('question-trees').fill('7')
      await page.evaluate(() => {
        const getCurrentPosition = (found: PositionCallback): void => {
          const coords = { latitude: -1.28, longitude: 36.8, accuracy: 9 } as GeolocationCoordinates
          Object.assign(globalThis, { goOn: () => found({ coords } as GeolocationPosition) })
        }
        Object.assign(navigator.geolocation, { getCurrentPosition })
      })
      const save = page.getByTestId('form-save')
      const look = async (): Promise<void> => {
        await page.getByTestId('question-where').click()
        await page.locator('[data-testid=form-save]:disabled').waitFor()
      }
      await look()
      await page.getByTestId('question-where-stop').click()
      await page.locator('[data-testid=form-save]:enabled').waitFor()
      expect(await page.locator('[data-testid=question-where] .picture-check').count()).toBe(0)
      await look()
      await page.evaluate('goOn()')
      await page.locator('[data-testid=question-where] .picture-check').waitFor()
      await save.click()
      await expect.poll(() => page.getByTestId('form').getAttribute('data-filled')).toBe('true')
      await page.getByTestId('form-open').click()
      await page.locator('[data-testid=question-where] .picture-check').waitFor()
      expect(await page.getByTestId('question-trees').inputValue()).toBe('7')
    })

    it('erases the picture of who does not agree', async () => {
      const page = await open({ installed: true, form })
      await page.getByTestId('photo-input').setInputFiles(PHOTO)
      await page.getByTestId('consent-refused').check()
      await page.getByTestId('consent-erase').click()
      await page.getByRole('heading', { name: 'No answers yet' }).waitFor()
    })
  })

  describe('faces that are to be hidden', () => {
    const finder = { name: 'face-finder', ready: true, bytes: 0 }
    const held = (page: Page): Promise<string[]> =>
      page.evaluate(async () => {
        const names: string[] = []
        const look = async (folder: FileSystemDirectoryHandle): Promise<void> => {
          const all = folder as unknown as AsyncIterable<[string, FileSystemHandle]>
          for await (const [name, one] of all) {
            if (one.kind === 'directory') await look(one as FileSystemDirectoryHandle)
            else names.push(name)
          }
        }
        await look(await navigator.storage.getDirectory())
        return names.sort()
      })

    it('are in no draft: a photo on its way is kept nowhere, alone or among many', async () => {
      const usual = await open({ installed: true, delay: 'forever' })
      await usual.getByTestId('photo-input').setInputFiles(PHOTO)
      await expect.poll(() => held(usual)).toEqual(['given', 'meta.json'])
      await usual.getByRole('button', { name: 'Stop' }).click()
      await expect.poll(() => held(usual)).toEqual([])
      await usual.close()

      const page = await open({ installed: true, delay: 'forever', pack: { finder } })
      await page.getByTestId('photo-input').setInputFiles(PHOTO)
      await page.getByTestId('working').waitFor()
      await page.goBack()
      await page.getByTestId('photo-choose').setInputFiles(PHOTOS)
      await page.getByTestId('batch-stop').waitFor()
      await expect.poll(() => held(page)).toEqual(['plan.json'])
    })

    it('that were missed take the photo with them, and nothing else', async () => {
      const page = await open({ installed: true, pack: { finder }, faces: { hidden: 1 } })
      await page.getByTestId('photo-input').setInputFiles(PHOTO)
      await page.getByTestId('face-left').click()
      await page.getByTestId('face-remove').click()
      await page.getByTestId('photo-removed').waitFor()
      expect(await page.getByTestId('answer').getAttribute('data-label')).toBe('rust')
      expect(await page.locator('.photo').count()).toBe(0)
      await page.getByTestId('nav-history').click()
      await expect.poll(() => rows(page)).toEqual(['rust'])
    })

    it('keep the photo here until the person has gone on; who saw one and was called away has not', async () => {
      const page = await open({ installed: true, pack: { finder }, faces: { hidden: 1 } })
      await page.getByTestId('photo-input').setInputFiles(PHOTO)
      await page.getByTestId('face-left').click()
      await page.getByTestId('face-remove').waitFor()
      await page.getByTestId('nav-sync').click()
      await page.locator('[data-testid=unseen][data-count="1"]').waitFor()
      await page.getByTestId('unseen-look').click()
      await page.getByTestId('face-left').waitFor()
      await page.getByTestId('nav-sync').click()
      await page.locator('.road[data-unseen="0"]').waitFor()
    })

    it('keep a form waiting for a photo in which nobody could look for them', async () => {
      const photo = { kind: 'photo' as const, name: 'tree', label: { en: 'The tree' }, required: true }
      const form = { blurFaces: finder.name, questions: [photo] }
      const page = await open({ installed: true, form, faces: { unkept: 'pack/absent' } })
      await page.getByTestId('photo-input').setInputFiles(PHOTO)
      await page.getByTestId('photo-not-kept').waitFor()
      await page.getByTestId('question-tree').setInputFiles(PHOTO)
      await expect.poll(() => page.getByTestId('failure').getAttribute('data-code')).toBe('input/faces')
      await page.getByTestId('form-save').click()
      await expect.poll(() => page.locator('#question-tree-about').textContent()).toBe('This one is needed')
    })
  })

  it('a full phone says so, keeps the photo on screen, and tries again', async () => {
    const page = await open({ installed: true, runError: 'storage/quota' })
    await page.getByTestId('photo-input').setInputFiles(PHOTO)
    await expect.poll(() => page.getByTestId('failure').getAttribute('data-code')).toBe('storage/quota')
    await page.getByRole('button', { name: 'Try again' }).waitFor()
  })

  it('a refused microphone says what to do, and takes a recording instead', async () => {
    const page = await open({ installed: true, takes: 'audio', listenError: 'input/microphone-refused' })
    await page.getByTestId('listen').click()
    await expect.poll(() => page.getByTestId('failure').getAttribute('data-code')).toBe('input/microphone-refused')
    await page.getByTestId('sound-choose').waitFor({ state: 'attached' })
  })

  it('works where the phone allows no storage at all', async () => {
    await context.addInitScript(() => {
      Storage.prototype.setItem = () => {
        throw new DOMException('full', 'QuotaExceededError')
      }
      navigator.storage.getDirectory = () => Promise.reject(new DOMException('refused', 'SecurityError'))
    })
    const page = await open({ installed: true })
    await page.getByTestId('photo-choose').setInputFiles(PHOTOS)
    await expect.poll(() => page.getByTestId('batch').getAttribute('data-done')).toBe('3')
    await page.getByTestId('nav-home').click()
    await page.getByTestId('photo-input').setInputFiles(PHOTO)
    await page.getByTestId('answer').waitFor()
  })
})

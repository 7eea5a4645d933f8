import type { Page } from 'playwright-core'
import { LANGUAGES } from '../../src/app/language.ts'
import type { AppScreen } from './app-screens.ts'
import type { FakePageOptions } from './fake-app/options.ts'
import { createFakeKit } from './fake-kit.ts'

/** What does not fit on the screen as it stands: too wide, cut off, sticking out, or too small to press. */
export const misfits = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const problems: string[] = []
    const html = document.documentElement
    const wide = html.scrollWidth - html.clientWidth
    if (wide > 0) problems.push(`the page is ${wide} px wider than the screen`)
    const isSeen = (element: Element): boolean =>
      element.getClientRects().length > 0 && !element.closest('.unseen, .skip:not(:focus)')
    const nameOf = (element: Element): string =>
      `<${element.tagName.toLowerCase()} class="${element.getAttribute('class') ?? ''}">`

    for (const target of document.querySelectorAll('a, button, label, select, input[type=search]')) {
      const { width, height } = target.getBoundingClientRect()
      if (isSeen(target) && (width < 48 || height < 48))
        problems.push(`${nameOf(target)} is ${Math.round(width)}x${Math.round(height)} px`)
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    const clips = (value: string): boolean => value === 'hidden' || value === 'clip'
    while (texts.nextNode()) {
      const text = texts.currentNode
      const parent = text.parentElement
      if (!parent || !text.nodeValue?.trim() || !isSeen(parent) || parent.closest('script, style, option')) continue
      const range = document.createRange()
      range.selectNodeContents(text)
      const box = range.getBoundingClientRect()
      const words = text.nodeValue.trim().slice(0, 40)
      if (box.left < -1 || box.right > html.clientWidth + 1) problems.push(`"${words}" is beside the screen`)
      for (let around: Element | null = parent; around && around !== html; around = around.parentElement) {
        const style = getComputedStyle(around)
        const cuts = clips(style.overflowX) || clips(style.overflowY)
        // Also what can be pressed is a frame: text that leaves it is not taken for its name.
        if (!cuts && !around.matches('a, button, label')) continue
        const frame = around.getBoundingClientRect()
        const out = Math.max(
          frame.left - box.left,
          box.right - frame.right,
          frame.top - box.top,
          box.bottom - frame.bottom,
        )
        if (out > 2) problems.push(`"${words}" is ${Math.round(out)} px out of ${nameOf(around)}`)
      }
    }
    return problems
  })

/** Words that go on in the next line for want of room: at the usual size none has to. */
export const brokenWords = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const broken: string[] = []
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const text = texts.currentNode
      const parent = text.parentElement
      if (!parent?.getClientRects().length || parent.closest('.unseen, script, style, option')) continue
      // Not what is cut at a stroke or a point: addresses, codes, numbers.
      for (const { 0: word, index } of (text.nodeValue ?? '').matchAll(/(?<!\S)\p{P}*[\p{L}\p{M}]+\p{P}*(?!\S)/gu)) {
        const range = document.createRange()
        range.setStart(text, index)
        range.setEnd(text, index + word.length)
        const lines = new Set([...range.getClientRects()].map(({ bottom }) => Math.round(bottom / 8)))
        if (lines.size > 1) broken.push(`"${word}" is broken in <${parent.tagName.toLowerCase()}>`)
      }
    }
    return broken
  })

/** Everything that is there to be read, or to be heard in place of something seen. */
const spokenTexts = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const found = [document.title]
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const text = texts.currentNode
      if (!text.parentElement?.closest('script, style, noscript')) found.push(text.nodeValue ?? '')
    }
    for (const name of ['aria-label', 'aria-description', 'aria-valuetext', 'placeholder', 'title', 'alt', 'label']) {
      for (const element of document.querySelectorAll(`[${name}]`)) found.push(element.getAttribute(name) ?? '')
    }
    return found.filter((text) => text.trim() !== '')
  })

const strings = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : []
}

/** What `Intl` says by itself: months, days, units. */
function intlWords(): string[] {
  const days = Array.from({ length: 12 }, (_, i) => new Date(2026, i, 1 + i))
  const dates = days.map((day) =>
    new Intl.DateTimeFormat('en', { weekday: 'long', month: 'long', hour: 'numeric' }).format(day),
  )
  const short = days.map((day) => new Intl.DateTimeFormat('en', { month: 'short' }).format(day))
  return [...dates.flatMap((date) => date.match(/\p{L}+/gu) ?? []), ...short, 'AM', 'PM', 'Today', 'Yesterday', 'at']
}
const UNITS = /\b(kB|MB|GB)(\/s)?\b|\b\d+ (sec|min|hr|km|m)\b/gu

/** What the kit brings: names, texts of packs, what people wrote. It is in whatever language it is in. */
async function dataOf({ history, delay: _, ...options }: FakePageOptions, typed: readonly string[]): Promise<string[]> {
  const kit = createFakeKit({ ...options, installed: true })
  const all = await Promise.all([
    kit.packs.list(),
    kit.teach.list(),
    kit.people.list(),
    kit.device.report(),
    kit.look('', 'all human'),
  ])
  return strings([all, options, history, Object.values(LANGUAGES).map(({ name }) => name), typed])
}

/** Text on the screen that is neither between the brackets of the pseudo-locale nor data. */
export async function untranslated(
  page: Page,
  { options, typed = [] }: Pick<AppScreen, 'options' | 'typed'>,
): Promise<string[]> {
  const data = [...(await dataOf(options, typed)), ...intlWords()].sort((a, b) => b.length - a.length)
  const rest = (text: string): string => {
    let left = text
    for (let before = ''; before !== left; ) {
      before = left
      left = left.replaceAll(/⟦[^⟦⟧]*⟧/g, '')
    }
    left = left.replaceAll(UNITS, '')
    for (const known of data) left = left.replaceAll(known, '')
    return left
  }
  return (await spokenTexts(page)).filter((text) => /\p{L}/u.test(rest(text)))
}

/// <reference path="./defines.d.ts" />
import css from './styles/later.css?inline'

const sheet = new CSSStyleSheet()

/** What the first screen does not look like. Again and again is once. */
export function addLaterStyles({ adoptedStyleSheets }: Document): void {
  if (adoptedStyleSheets.includes(sheet)) return
  sheet.replaceSync(css)
  adoptedStyleSheets.push(sheet)
}

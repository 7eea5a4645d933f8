import { readFileSync } from 'node:fs'
import { i18n } from '@lingui/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { explain, explainCode } from '../../../src/app/explain.ts'
import { JikoError } from '../../../src/protocol/error.ts'

describe('explain', () => {
  // Every text is its id, so that a test sees which one was chosen.
  beforeEach(() => {
    const ids = [...readFileSync('src/app/locales/en/messages.po', 'utf8').matchAll(/^msgid "(.+)"$/gm)]
    i18n.loadAndActivate({ locale: 'en', messages: Object.fromEntries(ids.map(([, id]) => [id, [id]])) as never })
  })

  it.each([
    ['input/not-an-image', 'error.not-image'],
    ['input/too-small', 'error.too-small'],
    ['input/too-dark', 'error.too-dark'],
    ['input/too-blurred', 'error.blurred'],
    ['input/microphone-refused', 'error.microphone'],
    ['sync/bad-invitation', 'error.enrol'],
    ['sync/not-enrolled', 'error.not-enrolled'],
    ['input/too-large', 'error.too-large'],
    ['input/other', 'error.input'],
    ['storage/quota', 'error.full'],
    ['storage/failed', 'error.storage'],
    ['download/http', 'error.download'],
    ['pack/bad-signature', 'error.pack'],
    ['teach/faces', 'lesson.faces'],
    ['runtime/run-failed', 'error.runtime'],
    ['worker/died', 'error.runtime'],
    ['sync/offline', 'error.sync'],
  ] as const)('says %s in words, with what to do', (code, title) => {
    expect(explain(new JikoError(code, 'x'))).toEqual({ title, advice: `${title}.advice`, code })
  })

  it('has words for anything else, and no code to show when there is none', () => {
    expect(explain(new TypeError('x'))).toEqual({ title: 'error.unknown', advice: 'error.unknown.advice' })
    expect(explain(undefined).title).toBe('error.unknown')
    expect(explainCode('cli/whatever').title).toBe('error.unknown')
  })
})

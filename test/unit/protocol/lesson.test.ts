import { describe, expect, it } from 'vitest'
import { judge } from '../../../src/hub/verdict.ts'
import { isAbout, type LessonBody, parseRecord } from '../../../src/protocol/record.ts'

const HASH = 'a'.repeat(64)
const lesson: LessonBody = {
  v: 1,
  kind: 'lesson',
  at: { wall: 1_700_000_000_000, mono: 5, session: 'abc', zone: 180 },
  pack: { name: 'taught-abcdefghijklmnop', version: '1.0.0', digest: HASH },
  from: { name: 'coffee-leaf', version: '1.0.0', digest: HASH },
  title: 'Pests of my field',
  labels: [{ id: 'aphids', name: 'Aphids', examples: 5 }],
  method: 'prototypes',
  estimate: { right: 9, of: 10 },
  attachments: [{ sha256: HASH, type: 'application/x-jikopack', bytes: 5000, role: 'output' }],
}

describe('a lesson as a record', () => {
  it('stands for itself, and a hub waits for the pack that came of it', () => {
    const line = JSON.stringify(lesson)
    expect(isAbout(parseRecord(line))).toBe(false)
    expect(judge(line, undefined)).toEqual({ verdict: 'ok', attachments: lesson.attachments })
  })

  it.each([
    ['no estimate', { estimate: undefined }],
    ['a count that is none', { labels: [{ id: 'a', name: 'A', examples: -1 }] }],
    ['a title of two lines', { title: 'a\nb' }],
  ])('with %s goes to quarantine', (_, change) => {
    expect(judge(JSON.stringify({ ...lesson, ...change }), undefined).verdict).toMatch(/^quarantine/)
  })
})

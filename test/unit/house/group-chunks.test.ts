import { describe, expect, it } from 'vitest'
import { findGroups } from '../../../scripts/group-chunks.ts'

/** Modules by name: what each imports, and after a bar what it imports when needed. */
function modules(links: Record<string, string>) {
  return (id: string) => {
    const [now = '', later = ''] = (links[id] ?? '').split('|')
    const list = (text: string): string[] => text.split(' ').filter((name) => name !== '')
    return id in links ? { importedIds: list(now), dynamicallyImportedIds: list(later) } : null
  }
}

const PAGE = { page: 'main', ask: ['ask'] }
const WORKER = { worker: 'worker', answer: ['task'] }

describe('files of the build', () => {
  it('hold together what begins together; nothing of the worker waits for what needs a page', () => {
    const [both, page, worker, ask, answer] = findGroups(
      modules({
        main: 'preact errors | ask settings',
        preact: '',
        errors: '',
        ask: 'preact errors draw random',
        draw: '',
        settings: 'preact',
        worker: 'errors store | task',
        store: '',
        task: 'errors random | tokens',
        random: '',
        tokens: 'draw',
      }),
      PAGE,
      WORKER,
    )
    // The worker may load `tokens` one day, which draws.
    expect([...(both ?? [])].filter((id) => !id.startsWith('\0'))).toEqual(['errors', 'draw', 'random'])
    expect([...(page ?? [])]).toEqual(['preact'])
    expect([...(worker ?? [])]).toEqual(['store'])
    expect([...(ask ?? [])]).toEqual(['ask'])
    expect([...(answer ?? [])]).toEqual(['task'])
  })

  it('cannot be made when a file that they are named after has moved', () => {
    expect(() => findGroups(modules({ main: '', worker: '', ask: '' }), PAGE, WORKER)).toThrow(
      'task is no part of the app',
    )
  })
})

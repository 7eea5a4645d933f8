import { describe, expect, it } from 'vitest'
import { withOwnNamespaces } from '../../../scripts/own-namespaces.ts'

const HELPERS = 'assets/rolldown-runtime-1.js'
const own = (code: string): string => withOwnNamespaces(code, 'assets/ask-1.js', HELPERS)

const load = async (code: string): Promise<Record<string, unknown>> =>
  (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as Record<string, unknown>

describe('a file with several modules in it', () => {
  it('makes their namespaces by itself: members are read when they are asked for', async () => {
    const code = own(
      'import { t as __exportAll$1 } from "./rolldown-runtime-1.js"\nlet count = 0\nvar counter = __exportAll$1({ count: () => count })\nexport { counter, grow }\nfunction grow() { count += 1 }',
    )
    expect(code).not.toContain('rolldown')
    const { counter, grow } = (await load(code)) as { counter: { count: number }; grow(): void }
    expect([Object.keys(counter), counter.count]).toEqual([['count'], 0])
    grow()
    expect(counter.count).toBe(1)
  })

  it('is left as it is where it needs another helper, or none', () => {
    for (const code of [
      'import { n as __require, t as __exportAll } from "./rolldown-runtime-1.js"\n__require("fs")',
      'import { t as __exportAll } from "./another/rolldown-runtime-1.js"\n__exportAll({})',
      'export const one = 1',
    ])
      expect(own(code)).toBe(code)
  })
})

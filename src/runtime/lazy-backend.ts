import { createMemo } from '../lib/memo.ts'
import type { Backend } from './backend.ts'

/** A backend whose code is loaded with its first session: what no pack needs costs no memory and no time to start. */
export function createLazyBackend(
  about: Pick<Backend, 'id' | 'engine' | 'steady' | 'sharesCores'>,
  load: () => Promise<Backend>,
): Backend {
  const loaded = createMemo<'backend', Backend>()
  let known: Backend | undefined
  return {
    ...about,
    get name() {
      return known?.name ?? about.id
    },
    heap: () => known?.heap?.(),
    prepare: () =>
      void loaded.get('backend', load).then(
        (backend) => backend.prepare?.(),
        () => undefined,
      ),
    async createSession(program, read) {
      known = await loaded.get('backend', load)
      return known.createSession(program, read)
    },
  }
}

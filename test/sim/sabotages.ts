import { corrected } from '../../src/store/corrected.ts'
import type { Sabotage } from './world.ts'

/** Mistakes that somebody could make, each of which breaks one invariant: the checker must say which. */
export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  /** A village calls final what only it has. */
  I1: {
    hubStore: (store, index) =>
      index === 0
        ? store
        : {
            ...store,
            async stream(program, name) {
              const stream = await store.stream(program, name)
              return stream && { ...stream, above: { ...stream.above, final: stream.tip } }
            },
          },
  },
  /** A record is saved twice by one touch of the button. */
  I2: {
    phoneStore: (store) => ({
      ...store,
      async append(body, files) {
        await store.append(body, files)
        return store.append(body, files)
      },
    }),
  },
  /** A village forgets to pass on. */
  I3: {
    hubStore: (store, index) => (index === 0 ? store : { ...store, carryable: async () => [] }),
  },
  /** A hub stores another text than the one whose hash it keeps. */
  I4: {
    hubStore: (store) => ({
      ...store,
      append: (program, segment) =>
        store.append(program, { ...segment, lines: segment.lines.map((line) => ({ ...line, line: `${line.line} ` })) }),
    }),
  },
  /** The last word wins, and the other one is forgotten. */
  I5: { merge: (changes) => ({ ...corrected(changes), conflicts: {} }) },
  /** What came in last is shown. */
  I6: {
    merge(changes) {
      const last = changes.findLast(({ body }) => body.kind === 'correction')?.body
      const label = last?.kind === 'correction' ? last.patch.label : undefined
      const merged = corrected(changes)
      return typeof label === 'string' ? { ...merged, fields: { ...merged.fields, label }, label } : merged
    },
  },
  /** The smallest request is larger than what the connection carries. */
  I7: { window: 300 },
  /** "Saved" is said of what is not written. */
  I8: {
    phoneStore(store) {
      let writes = 0
      return {
        ...store,
        async append(body, files) {
          writes += 1
          if (writes % 3 !== 0) return store.append(body, files)
          return { stream: 'a'.repeat(16), seq: 1, line: JSON.stringify(body), body, hash: '' }
        },
      }
    },
  },
  /** "All sent" is said as soon as nothing is only here. */
  I9: { status: (status) => ({ ...status, allSent: status.local === 0 }) },
  /** What was said of the photos, that somebody is to look first, is forgotten. */
  unseen: {
    phoneStore: (store) => ({
      ...store,
      append: (body, files = []) =>
        store.append(
          body,
          files.map((file) => ({ ...file, unseen: false })),
        ),
    }),
  },
  /** And where nobody ever looks, they stay. */
  kept: { phoneStore: (store) => ({ ...store, attachmentsDue: async () => undefined }) },
  /** An order to erase is filed, and that is all. */
  erase: { hubStore: (store) => ({ ...store, erase: async () => undefined }) },
}

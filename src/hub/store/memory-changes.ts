import { ACCEPTED, GONE, goneOf } from '../verdict.ts'
import { forkKey, type Program } from './memory-forward.ts'
import type { Change, HubStore } from './store.ts'

const byStream = (a: Change, b: Change): number =>
  a.stream === b.stream ? a.seq - b.seq : a.stream < b.stream ? -1 : 1

/** The part of the memory store about what some say of the records of others. */
export function createMemoryChanges(
  open: (name: string) => Program,
): Pick<
  HubStore,
  'lostLines' | 'restoreLines' | 'addChanges' | 'changes' | 'knownChanges' | 'changedSince' | 'erasures' | 'erase'
> {
  function counts({ rows }: Program, { stream, seq, lineHash, above }: Change): boolean {
    const row = rows.get(stream)?.[seq - 1]
    return above || (row?.verdict === ACCEPTED && row.lineHash === lineHash)
  }
  const changesOf = (program: Program, target: string): Change[] =>
    [...program.changes.values()].filter((one) => one.target === target && counts(program, one)).sort(byStream)

  return {
    lostLines: async (name, stream, limit) =>
      (open(name).rows.get(stream) ?? [])
        .filter(({ verdict }) => verdict === GONE.pruned)
        .slice(0, limit)
        .map(({ seq }) => seq),
    async restoreLines(name, stream, lines) {
      const rows = open(name).rows.get(stream) ?? []
      for (const line of lines) {
        const row = rows[line.seq - 1]
        if (row?.verdict !== GONE.pruned || row.lineHash !== line.lineHash) continue
        rows[line.seq - 1] = { ...line, hash: row.hash, receivedAt: row.receivedAt }
      }
    },
    async addChanges(name, added) {
      const { changes } = open(name)
      for (const change of added) {
        const key = `${change.target}/${change.stream}/${change.seq}/${change.lineHash}`
        const known = changes.get(key)
        if (!known || (change.above && !known.above)) changes.set(key, { ...change })
      }
    },
    changes: async (name, target, { known, limit }) =>
      changesOf(open(name), target)
        .filter(({ stream, seq }) => seq > (known[stream] ?? 0))
        .slice(0, limit),
    async knownChanges(name, target) {
      const known: Record<string, number> = {}
      for (const { stream, seq } of changesOf(open(name), target)) known[stream] = seq
      return known
    },
    changedSince: async (name, at, limit) =>
      [...new Set([...open(name).changes.values()].filter((one) => one.at >= at).map(({ target }) => target))]
        .sort()
        .slice(0, limit),
    async erasures(name, authority, limit) {
      const program = open(name)
      const { rows, streams, changes } = program
      const actionable = [...changes.values()].flatMap((change) => {
        const { target, targetSeq, stream, erases } = change
        const row = rows.get(target)?.[targetSeq - 1]
        if (!row || row.lineHash !== erases || goneOf(row.verdict) === 'erased' || !counts(program, change)) return []
        const device = streams.get(stream)?.device
        const may = change.above || device === authority || device === streams.get(target)?.device
        return may ? [{ stream: target, row }] : []
      })
      return actionable.slice(0, limit).map(({ stream, row }) => {
        const others = [...rows].flatMap(([name, all]) => all.filter(({ seq }) => name !== stream || seq !== row.seq))
        const named = new Set(others.flatMap(({ attachments }) => attachments).map(({ sha256 }) => sha256))
        const blobs = row.attachments.map(({ sha256 }) => sha256).filter((sha256) => !named.has(sha256))
        return { stream, seq: row.seq, lineHash: row.lineHash, blobs }
      })
    },
    async erase(name, { stream, seq, lineHash, blobs: gone }) {
      const { rows, forks, blobs, changes } = open(name)
      const lines = rows.get(stream) ?? []
      const row = lines[seq - 1]
      if (row?.lineHash === lineHash) {
        const { about: _, ...left } = row
        lines[seq - 1] = { ...left, line: '', verdict: GONE.erased, attachments: [] }
      }
      forks.delete(forkKey({ stream, seq, lineHash }))
      for (const [key, change] of changes) {
        if (change.stream === stream && change.seq === seq && change.lineHash === lineHash) changes.delete(key)
      }
      for (const sha256 of gone) blobs.delete(sha256)
    },
  }
}

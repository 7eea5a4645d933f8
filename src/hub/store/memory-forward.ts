import type { AccessTables } from './memory-access.ts'
import type { BlobAbove, Change, Device, ForkedLine, Forwarding, Head, HubStream, NewLine } from './store.ts'

export interface Row extends NewLine {
  receivedAt: number
}

/** Whether the hub above has it. */
interface Passed {
  above: boolean
}

/** What the memory store knows of one program. */
export interface Program extends AccessTables {
  devices: Map<string, Device>
  streams: Map<string, HubStream>
  rows: Map<string, Row[]>
  heads: Map<string, Head[]>
  forks: Map<string, ForkedLine & Passed>
  blobs: Map<string, { above: BlobAbove; bytes: number }>
  changes: Map<string, Change>
}

export const forkKey = ({ stream, seq, lineHash }: Pick<ForkedLine, 'stream' | 'seq' | 'lineHash'>): string =>
  `${stream}/${seq}/${lineHash}`

const lacksAbove = ({ tip, proven, above: { held, final, dividedAfter } }: HubStream): boolean =>
  proven > final && (dividedAfter === undefined || final < dividedAfter || held < tip)

/** The part of the memory store by which a hub passes on what it has. */
export function createMemoryForwarding(open: (name: string) => Program): Forwarding {
  return {
    lines: async (name, stream, from, limit) =>
      (open(name).rows.get(stream) ?? [])
        .slice(from - 1, from - 1 + limit)
        .map(({ seq, line, lineHash, hash, verdict, receivedAt }) => ({
          seq,
          line,
          lineHash,
          hash,
          verdict,
          receivedAt,
        })),
    async provenHead(name, stream, from, upto) {
      const heads = open(name).heads.get(stream) ?? []
      return heads.findLast(({ seq }) => seq >= from && seq <= upto) ?? heads.find(({ seq }) => seq > upto)
    },
    carryable: async (name, { after = '', settled = false, limit }) =>
      [...open(name).streams.values()]
        .filter((one) => one.stream > after && one.proven > 0 && (settled || lacksAbove(one)))
        .sort((a, b) => (a.stream < b.stream ? -1 : 1))
        .slice(0, limit),
    async noteAbove(name, stream, above) {
      const { streams } = open(name)
      const known = streams.get(stream)
      if (known) streams.set(stream, { ...known, above })
    },
    async forgetAbove(name) {
      const { streams, forks, blobs } = open(name)
      for (const known of streams.values()) streams.set(known.stream, { ...known, above: { held: 0, final: 0 } })
      for (const fork of forks.values()) fork.above = false
      for (const blob of blobs.values()) blob.above = 'nowhere'
    },
    forksToForward: async (name, limit) =>
      [...open(name).forks.values()]
        .filter(({ above }) => !above)
        .slice(0, limit)
        .map(({ above: _, ...line }) => line),
    async noteForkAbove(name, fork) {
      const known = open(name).forks.get(forkKey(fork))
      if (known) known.above = true
    },
    blobsToForward: async (name, limit) =>
      [...open(name).blobs]
        .filter(([, { above }]) => above === 'nowhere')
        .slice(0, limit)
        .map(([sha256]) => sha256),
    async noteBlobAbove(name, sha256, there) {
      const known = open(name).blobs.get(sha256)
      if (known) known.above = there
    },
    async blobsToConfirm(name, { after, limit }) {
      const held = [...open(name).blobs].filter(([, { above }]) => above === 'held').map(([sha256]) => sha256)
      return held
        .sort()
        .filter((sha256) => sha256 > (after ?? ''))
        .slice(0, limit)
    },
    async finalBlobs(name, sha256s, isRoot) {
      const { blobs } = open(name)
      return sha256s.filter((sha256) => (isRoot ? blobs.has(sha256) : blobs.get(sha256)?.above === 'final'))
    },
    async lag(name) {
      const { streams, forks, blobs } = open(name)
      return {
        records: [...streams.values()].reduce((sum, { tip, above: { final } }) => sum + tip - final, 0),
        blobs: [...blobs.values()].filter(({ above }) => above !== 'final').length,
        forks: [...forks.values()].filter(({ above }) => !above).length,
      }
    },
  }
}

import { JikoError } from '../../protocol/error.ts'
import { reasonOf } from '../verdict.ts'
import { createMemoryAccess, newAccess } from './memory-access.ts'
import { createMemoryChanges } from './memory-changes.ts'
import { createMemoryForwarding, forkKey, type Program } from './memory-forward.ts'
import { checkSegment, endOf, furtherHead, SEEN_GRAIN } from './segment.ts'
import type { HubStore, Place, StoredLine } from './store.ts'

function comparePlaces(a: Place, b: Place): number {
  if (a.receivedAt !== b.receivedAt) return a.receivedAt - b.receivedAt
  if (a.stream !== b.stream) return a.stream < b.stream ? -1 : 1
  return a.seq - b.seq
}

/** All that a memory store knows: plain data, so that `structuredClone` of it is a backup. */
export interface MemoryState {
  programs: Map<string, Program>
  settings: Map<string, string>
}

export const emptyState = (): MemoryState => ({ programs: new Map(), settings: new Map() })

/** For tests and the simulator: the same truth as the databases, gone with the process. */
export function createMemoryStore({ programs, settings }: MemoryState = emptyState()): HubStore {
  function open(name: string): Program {
    const program = programs.get(name)
    if (!program) throw new JikoError('hub/no-program', `there is no program "${name}" at this hub`)
    return program
  }

  function stored(name: string): StoredLine[] {
    const { rows, streams } = open(name)
    const all = [...rows].flatMap(([stream, lines]) =>
      lines.map(({ seq, line, verdict, receivedAt }) => ({
        stream,
        device: streams.get(stream)?.device ?? '',
        seq,
        line,
        verdict,
        receivedAt,
      })),
    )
    return all.sort(comparePlaces)
  }

  return {
    async addProgram(name) {
      if (programs.has(name)) return
      programs.set(name, {
        devices: new Map(),
        streams: new Map(),
        rows: new Map(),
        heads: new Map(),
        forks: new Map(),
        blobs: new Map(),
        ...newAccess(),
        changes: new Map(),
      })
    },
    programs: async () => [...programs.keys()].sort(),

    async seeDevice(name, { key, app, at }) {
      const { devices } = open(name)
      const known = devices.get(key)
      if (known && known.app === app && at - known.lastSeen < SEEN_GRAIN) return { ...known }
      const device = { ...known, key, app, firstSeen: known?.firstSeen ?? at, lastSeen: at }
      devices.set(key, device)
      return { ...device }
    },
    device: async (name, key) => open(name).devices.get(key),
    devices: async (name) => [...open(name).devices.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
    async revokeDevice(name, key, at) {
      const device = open(name).devices.get(key)
      if (device) device.revokedAt ??= at
    },

    stream: async (name, stream) => open(name).streams.get(stream),
    streams: async (name) => [...open(name).streams.values()].sort((a, b) => (a.stream < b.stream ? -1 : 1)),

    async append(name, segment) {
      checkSegment(segment)
      const { devices, streams, rows, heads } = open(name)
      const { stream, device, epoch, after, lines, announced, proven = [], receivedAt } = segment
      if (!devices.has(device)) throw new JikoError('hub/unknown-device', 'a stream needs the device that owns it')
      const known = streams.get(stream)
      if (known ? known.tip !== after.seq || known.hash !== after.hash : after.seq !== 0) return false
      const end = endOf(segment)
      streams.set(stream, {
        stream,
        device,
        epoch,
        tip: end.seq,
        hash: end.hash,
        announced: furtherHead(known, announced),
        proven: Math.max(known?.proven ?? 0, ...proven.map(({ seq }) => seq)),
        above: known?.above ?? { held: 0, final: 0 },
      })
      const kept = heads.get(stream) ?? []
      const fresh = proven.filter(({ seq }) => !kept.some((head) => head.seq === seq))
      heads.set(
        stream,
        [...kept, ...fresh].sort((a, b) => a.seq - b.seq),
      )
      rows.set(stream, [...(rows.get(stream) ?? []), ...lines.map((line) => ({ ...line, receivedAt }))])
      return true
    },
    async positions(name, stream, from, to) {
      const lines = open(name).rows.get(stream) ?? []
      return lines.slice(from - 1, to).map(({ seq, lineHash, hash, verdict }) => ({ seq, lineHash, hash, verdict }))
    },

    async addForks(name, lines) {
      const { forks } = open(name)
      for (const line of lines) {
        const key = forkKey(line)
        if (!forks.has(key)) forks.set(key, { ...line, above: false })
      }
    },
    forks: async (name, limit) =>
      [...open(name).forks.values()]
        .sort((a, b) => comparePlaces(b, a))
        .slice(0, limit)
        .map(({ above: _, ...line }) => line),

    records: async (name, { since, limit }) =>
      stored(name)
        .filter((line) => !since || comparePlaces(line, since) > 0)
        .slice(0, limit),
    newest: async (name, { before, limit }) =>
      stored(name)
        .reverse()
        .filter((line) => !before || comparePlaces(line, before) < 0)
        .slice(0, limit),
    count: async (name) => [...open(name).streams.values()].reduce((sum, { tip }) => sum + tip, 0),
    async totals(name) {
      const { devices, streams, rows, forks, blobs } = open(name)
      const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0)
      const known = [...streams.values()]
      return {
        devices: devices.size,
        streams: known.length,
        records: sum(known.map(({ tip }) => tip)),
        quarantined: [...rows.values()].flat().filter(({ verdict }) => reasonOf(verdict) !== undefined).length,
        missing: sum(known.map(({ tip, announced }) => Math.max(0, (announced?.seq ?? 0) - tip))),
        forks: forks.size,
        blobs: blobs.size,
        blobBytes: sum([...blobs.values()].map(({ bytes }) => bytes)),
      }
    },

    async lackingBlobs(name, streams, limit) {
      const { rows, blobs } = open(name)
      const named = streams
        .toSorted()
        .flatMap((stream) => rows.get(stream) ?? [])
        .flatMap(({ attachments }) => attachments)
      return [...new Set(named.map(({ sha256 }) => sha256))].filter((sha256) => !blobs.has(sha256)).slice(0, limit)
    },
    async namedBlob(name, sha256) {
      const { rows, blobs } = open(name)
      const named = [...rows.values()].flat().flatMap(({ attachments }) => attachments)
      const found = named.find((attachment) => attachment.sha256 === sha256)
      return found && { type: found.type, whole: blobs.has(sha256) }
    },
    async addBlob(name, { sha256, bytes }) {
      const { blobs } = open(name)
      if (!blobs.has(sha256)) blobs.set(sha256, { above: 'nowhere', bytes })
    },
    ...createMemoryForwarding(open),
    ...createMemoryAccess(open),
    ...createMemoryChanges(open),
    setting: async (name) => settings.get(name),
    setSetting: async (name, value) => void settings.set(name, value),
    async claimSetting(name, value) {
      const stands = settings.get(name) ?? value
      settings.set(name, stands)
      return stands
    },
    close: async () => undefined,
  }
}
